"""The embedded bus: calls, events and journals inside one process, on plain threads and one SQLite file."""
