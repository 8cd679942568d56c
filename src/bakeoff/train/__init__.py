"""How one network, or a stack of replicas, learns."""
