"""The inputs of `scripts/fuzz`, what is tried with them, and what must never come of it."""
