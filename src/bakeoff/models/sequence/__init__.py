"""Networks for series and sequences, as in their papers."""
