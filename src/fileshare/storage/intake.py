"""Takes what has come on a lent socket: in a thread, a slice at a time, for as long as it flows."""

import os
import select
import threading
from collections.abc import Callable
from typing import Final

from fileshare.services.lending import Loan

SLICE: Final = 1 << 20
"""Bytes taken, written and hashed at a time, under a millisecond each."""

PATIENCE_MS: Final = 100
"""How long a thread waits for the next byte; then the loop does."""

_buffers = threading.local()


def take(loan: Loan, keep: Callable[[memoryview], bool]) -> int:
    """Hand what comes to `keep`, until it says no, or the flow stops; returns how many bytes came.

    The view is good only within `keep`. The end of the connection, or its loss, is not told
    here: whoever reads the socket next hears of it again.
    """
    view, taken = _buffer(), 0
    while taken < loan.limit and not loan.recalled:
        count = _fill(loan.socket, view[: min(SLICE, loan.limit - taken)])
        if not count:
            break
        taken += count
        loan.passed(view[:count])
        if not keep(view[:count]):
            break
    return taken


def _buffer() -> memoryview:
    """One for each thread: fresh memory costs more than a copy."""
    found: memoryview | None = getattr(_buffers, "view", None)
    if found is None:
        found = _buffers.view = memoryview(bytearray(SLICE))
    return found


def _fill(socket: int, view: memoryview) -> int:
    """What lies on the socket, as much as fits; waits only while that is nothing."""
    filled = 0
    while filled < len(view):
        try:
            count = os.readv(socket, [view[filled:]])
        except BlockingIOError:
            if filled or not _readable(socket):
                break
            continue
        except OSError:
            break
        if not count:
            break
        filled += count
    return filled


def _readable(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(PATIENCE_MS))
