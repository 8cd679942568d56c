"""Pure changes of a dataset, each of which removes one assumption about it."""
