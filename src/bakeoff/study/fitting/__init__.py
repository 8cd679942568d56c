"""One network trained well, from the data to what is handed over."""
