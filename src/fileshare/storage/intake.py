"""Takes what has come on a lent socket: in a thread, a slice at a time, for as long as it flows."""

import os
import threading
from collections.abc import Callable
from typing import Final

from fileshare.services.lending import PATIENCE_MS, Loan, readable

SLICE: Final = 1 << 20
"""Bytes taken, written and hashed at a time, under a millisecond each."""

_buffers = threading.local()


def take(loan: Loan, room: Callable[[int], memoryview], keep: Callable[[memoryview], bool]) -> int:
    """Put what comes into `room(limit)` and tell `keep`, until it says no, or the flow stops.

    Returns how many bytes came. The end of the connection, or its loss, is not told here:
    whoever reads the socket next hears of it again.
    """
    taken = 0
    while not loan.recalled and (due := loan.due(taken)):
        view = room(due)
        count = _fill(loan.socket, view)
        if not count:
            break
        taken += count
        loan.passed(view[:count])
        if not keep(view[:count]):
            break
    return taken


def slice_of_thread(limit: int) -> memoryview:
    """Room that is good until the thread's next call: fresh memory costs more than a copy."""
    found: memoryview | None = getattr(_buffers, "view", None)
    if found is None:
        found = _buffers.view = memoryview(bytearray(SLICE))
    return found[:limit]


def _fill(socket: int, view: memoryview) -> int:
    """What lies on the socket, as much as fits; waits only while that is nothing."""
    filled = 0
    while filled < len(view):
        try:
            count = os.readv(socket, [view[filled:]])
        except BlockingIOError:
            if filled or not readable(socket, PATIENCE_MS):
                break
            continue
        except OSError:
            break
        if not count:
            break
        filled += count
    return filled
