"""What it means: uncertainty, learning curves, the verdict."""
