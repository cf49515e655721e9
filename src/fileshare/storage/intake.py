"""Takes what has come on a lent socket: in a thread, a slice at a time, for as long as it flows."""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from fileshare.services.lending import PATIENCE_MS, Loan, readable

SLICE: Final = 1 << 20
"""Bytes taken, written and hashed at a time, under a millisecond each."""

TURN_SECONDS: Final = 0.25
"""After so long others get the thread, also where a sender keeps it waiting for every byte."""

SHARE: Final = 16 << 20
"""Bytes after which the loop hears of what came, and others get the thread where there are any."""

_buffers = threading.local()


class _Processors:
    """All processors but one compute for uploads at a time; a queue of C, as each wait is short.

    With eight threads on two, somebody who held the interpreter's lock was always being kept
    from its processor, and a LIST took 21 ms (median), 9 with two of them, 7 with one (99th
    percentile 86 to 92 ms with two, 63 to 71 with one). Eight uploads take no longer: the
    senders have more of the processors meanwhile.
    """

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()

    def __exit__(self, *_: object) -> None:
        self._free.put(None)


_processors = _Processors(max((os.cpu_count() or 1) - 1, 1))


class Taking:
    """One turn of a thread on a lent socket."""

    def __init__(self, loan: Loan, go_on: Callable[[], bool]) -> None:
        """`go_on` is asked in the thread, after every 16 MiB."""
        self.loan = loan
        self.taken = 0
        """Bytes that came off the socket, also where the turn is ended by an error."""
        self.flows = False
        """Whether more may follow at once: the turn was over, and not the flow."""
        self._go_on = go_on

    def run(self, room: Callable[[int], memoryview], keep: Callable[[memoryview], bool]) -> None:
        """Put what comes into `room(limit)` and tell `keep`, until it says no, or the flow stops.

        The end of the connection, or its loss, is not told here: whoever reads the socket
        next hears of it again.
        """
        loan = self.loan
        over, share = time.monotonic() + TURN_SECONDS, SHARE
        while not loan.recalled and (due := loan.due(self.taken)) and readable(loan.socket, PATIENCE_MS):
            with _processors:
                view = room(due)[:due]
                count = _fill(loan.socket, view)
                self.taken += count
                loan.passed(view[:count])
                if not count or not keep(view[:count]):
                    break
            if self.taken >= share:
                share += SHARE
                self.flows = not self._go_on()
            if self.flows or time.monotonic() >= over:
                self.flows = True
                break


def slice_of_thread(limit: int) -> memoryview:
    """Room that is good until the thread's next call: fresh memory costs more than a copy."""
    found: memoryview | None = getattr(_buffers, "view", None)
    if found is None:
        found = _buffers.view = memoryview(bytearray(SLICE))
    return found[:limit]


def _fill(socket: int, view: memoryview) -> int:
    """What lies on the socket, as much as fits; waits for nothing."""
    filled = 0
    while filled < len(view):
        try:
            count = os.readv(socket, [view[filled:]])
        except OSError:
            break
        if not count:
            break
        filled += count
    return filled
