"""Many networks: plan, run, store, curves, verdict."""
