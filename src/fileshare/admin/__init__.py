"""Administration beside a running server: a Unix socket in the data folder, and what it answers."""
