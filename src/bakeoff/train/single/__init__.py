"""Training one network that gets the whole machine, by the usual means."""
