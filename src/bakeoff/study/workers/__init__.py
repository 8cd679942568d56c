"""Where it runs: processes, what they do, and the queue before them."""
