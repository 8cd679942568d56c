"""What an example is, and how files become tensors."""
