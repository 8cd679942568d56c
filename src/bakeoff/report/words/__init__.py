"""How numbers, names and reasons are written, the same in every medium."""
