"""Discussions in groups: topics and their replies."""
