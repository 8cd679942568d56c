"""What is to be learned: one class a kind of target, and the metrics."""
