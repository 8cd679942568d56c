"""What a report claims, as records of numbers and words; how it is drawn is said elsewhere."""
