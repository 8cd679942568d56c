"""Training a stack of replicas: its size, its steps, and who leaves it early."""
