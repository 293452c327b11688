"""The gateway as it is served."""
