"""Which assumptions a family lives from: the same study on data without one of them."""
