"""What is to be trained: trials, entrants, jobs, and what is made equal among them."""
