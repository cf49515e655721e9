"""What somebody with bad intentions tries, named after it."""
