"""What is known of a network before it is built: its card, its options, its counts."""
