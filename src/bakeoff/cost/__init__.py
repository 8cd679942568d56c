"""What a network costs, before a single step is trained."""
