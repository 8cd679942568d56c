"""How one network (`single`) or a stack of replicas (`stacked`) learns; the other folders make that fast."""
