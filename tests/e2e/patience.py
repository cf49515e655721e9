"""Waiting for something to become true, with a limit: never a sleep that hopes."""

import time
from collections.abc import Callable


def wait_until(what: str, happened: Callable[[], object], seconds: float = 30) -> None:
    """Look until `happened` is true; fails, and says what, when it takes longer."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)
