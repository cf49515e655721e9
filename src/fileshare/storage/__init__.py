"""Stores that fill the ports of `services`: the local disk, SQLite, and memory for tests."""
