"""Why: which assumptions about data a family lives from (`biases`), and what one trained network does (`network`)."""
