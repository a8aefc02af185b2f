"""First floor: what is worth keeping, and what may be done with it."""
