"""Nonsense for everything that reads what strangers send. `python -m tests.fuzz` runs for long."""
