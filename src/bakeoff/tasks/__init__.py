"""What is to be learned: one class a kind of target (`base` is the contract, `registry` finds it), and the metrics."""
