"""The tests; a package, so that `python -m tests.acceptance` and the suites share their stage."""
