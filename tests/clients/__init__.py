"""Clients of other people, as they would write them: for tests of what we promised to them."""
