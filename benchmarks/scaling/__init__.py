"""The scaling sheet: fileshare alone, from little to much in one dimension at a time."""
