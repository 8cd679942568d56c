"""A trained network, ready to use, without the trainer."""
