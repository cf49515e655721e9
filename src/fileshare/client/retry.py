"""When to try again after a failure, and how long to wait before.

Knows errors and time, no connection. A pause doubles from 0.2 s up to 30 s, with
jitter, and every byte of progress starts it anew; without progress for the agreed
time it gives up. What another try can't mend (a login, an integrity error, an upload
that another connection took over) is never tried again.
"""

import random
import time
from collections.abc import Callable

from fileshare.errors import ConnectionLost, FileshareError, Unavailable, UploadBusy

FIRST_PAUSE = 0.2
"""Seconds: a server that restarts is back soon."""
LONGEST_PAUSE = 30.0
"""Seconds: someone who plugs the cable in again should not wait minutes."""

_RETRYABLE = (ConnectionLost, Unavailable, UploadBusy)


def retryable(error: FileshareError) -> bool:
    """Whether the same request may succeed later, without anyone doing anything."""
    return isinstance(error, _RETRYABLE)


class Patience:
    """The pauses of one transfer, or of one connection's work."""

    def __init__(
        self,
        give_up_after: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._give_up_after = give_up_after
        self._clock = clock
        self._chance = chance
        self._tries = 0
        self._last_progress = clock()

    def progress(self) -> None:
        """Something got through: the next failure is a first one again."""
        self._tries = 0
        self._last_progress = self._clock()

    def pause_for(self, error: FileshareError) -> float:
        """Seconds to wait before the next try. Raises `error` itself where no try is left."""
        if not retryable(error):
            raise error
        pause = min(FIRST_PAUSE * 2.0**self._tries, LONGEST_PAUSE) * (0.5 + self._chance())
        waited = self._clock() - self._last_progress
        if waited + pause > self._give_up_after:
            raise error
        self._tries = min(self._tries + 1, 30)
        return pause
