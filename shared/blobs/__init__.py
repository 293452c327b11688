"""Files: staged while they arrive, kept once they have been checked."""
