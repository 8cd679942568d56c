"""What each operation costs: one file a kind of operation."""
