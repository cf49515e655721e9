"""Catalog and accounts in one SQLite database."""
