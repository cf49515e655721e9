"""How fast a body must come, whatever door it comes through: slow is good enough, nearly nothing is not.

A place, a part and room on the disk are held for whoever sends. One byte before each end
of patience would hold them for ever.
"""

LEAST_BYTES = 64 << 10
"""Of a body within each stretch of patience (`stall_seconds`): a kilobyte a second, as of what is sent."""


class Pace:
    """One body's, by the time that was spent waiting for its sender alone."""

    def __init__(self, patience: float) -> None:
        """`patience` is in seconds."""
        self._patience = patience
        self._waited = 0.0
        self._came = 0

    @property
    def left(self) -> float:
        """Seconds that may be waited for the next bytes; 0 or less where the sender is too slow."""
        return self._patience - self._waited

    def came(self, count: int) -> None:
        """So many bytes were taken. Enough of them, and the sender has all its time again."""
        self._came += count
        if self._came >= LEAST_BYTES:
            self._came, self._waited = 0, 0.0

    def waited(self, seconds: float) -> None:
        """So long was waited, with nothing else to do."""
        self._waited += seconds
