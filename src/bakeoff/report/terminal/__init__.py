"""What a terminal shows, while it goes on and at the end."""
