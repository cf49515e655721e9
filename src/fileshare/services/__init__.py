"""What can be done with files and accounts, in the order that keeps the promise."""
