"""One trained network from inside: what it can see, what it uses, what it gets wrong."""
