"""What a person types: one file a command, which parses, calls a verb of `api`, and shows."""
