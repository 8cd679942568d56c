"""What came of it: records, the store, and the whole comparison."""
