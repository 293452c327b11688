"""The kernel held against a second, obvious model of its rules."""
