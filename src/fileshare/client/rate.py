"""How fast bytes may go: one bucket for all connections of a command.

Counts only payload. Must never sleep while holding its lock, so that a slow
connection does not stop the others.
"""

import re
import threading
import time
from collections.abc import Callable

from fileshare.errors import BadRequest

_BURST_SECONDS = 0.1
"""How much may go at once after a rest: short enough that a limit of 2M never looks like 20M."""

_PIECES_PER_SECOND = 20
"""Under a limit bytes go in pieces of a twentieth of a second, so that the line stays even."""

_SMALLEST_PIECE = 1 << 10

_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_rate(text: str) -> int:
    """Bytes per second from texts such as `500K`, `2M` or `1.5MB/s` (units of 1024). Raises BadRequest."""
    found = _FORM.fullmatch(text.strip())
    rate = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if rate < 1:
        raise BadRequest(f"The rate {text!r} is not understood: write bytes per second, such as 500K or 2M.")
    return rate


class Rate:
    """A token bucket. Without a limit it costs nothing."""

    def __init__(
        self,
        limit: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limit = limit
        """Bytes per second, or None."""
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, count: int) -> None:
        """Return when `count` more bytes may go."""
        if self.limit is None:
            return
        with self._lock:
            now = self._clock()
            start = max(self._free_at, now - _BURST_SECONDS)
            self._free_at = start + count / self.limit
            pause = self._free_at - now
        if pause > 0:
            self._sleep(pause)

    def piece(self, most: int) -> int:
        """How many bytes to move at once: `most`, or less under a limit."""
        if self.limit is None:
            return most
        return min(most, max(_SMALLEST_PIECE, self.limit // _PIECES_PER_SECOND))
