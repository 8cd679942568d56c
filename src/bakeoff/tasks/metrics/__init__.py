"""What a score is (`metric`), each of them (`kinds`), and all by name (`registry`)."""
