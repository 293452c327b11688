"""Groups: what they are, who is in them, who leads."""
