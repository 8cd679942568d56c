"""What several networks share: the change of view, sequences with padding, stems and heads."""
