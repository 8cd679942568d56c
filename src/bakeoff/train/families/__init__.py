"""The scalable families, one a file: how many networks of each are evaluated as one, and how they are compiled."""
