"""One comparison, from the data to the verdict: what is asked for, the run in its folder, and what is said of it."""
