"""How many people have registered, by day."""
