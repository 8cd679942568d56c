"""Networks that the compiled code trains whole: how one becomes a program of operations."""
