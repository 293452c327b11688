"""The web front end's pages."""
