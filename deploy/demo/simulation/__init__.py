"""A simulated local currency: an agent-based town whose payments are written as a research log."""
