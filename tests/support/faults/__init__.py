"""Faults of every kind, load to meet them, and what must hold after each."""
