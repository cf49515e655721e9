"""What became of the files of one command: counted for the end, told as it comes."""

import threading
import time

from fileshare.client.reports import Direction, Item, Outcome, Reporter, Summary
from fileshare.errors import (
    AuthFailed,
    AuthRequired,
    ConnectionLost,
    FileshareError,
    NoSpace,
    ProtocolError,
    Superseded,
    Unavailable,
)

_HOPELESS = (
    AuthFailed,
    AuthRequired,
    ConnectionLost,
    NoSpace,
    ProtocolError,
    Superseded,
    Unavailable,
)
"""After these no other file would fare better, or another client is doing the same work."""


def hopeless(error: FileshareError) -> bool:
    """Whether the whole command has to stop, rather than one file fail."""
    return isinstance(error, _HOPELESS)


class Tally:
    """Counts, shared by the connections of a command."""

    def __init__(self, direction: Direction, reporter: Reporter) -> None:
        self.reporter = reporter
        self.errors: list[FileshareError] = []
        """Of the files that failed."""
        self._direction = direction
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._files = 0
        self._size = 0
        self._moved = 0
        self._skipped = 0

    @property
    def files(self) -> int:
        """Files that are where they belong, skipped ones included."""
        return self._files

    def done(self, item: Item, outcome: Outcome) -> None:
        """A file arrived, or needed nothing."""
        with self._lock:
            self._files += 1
            self._size += outcome.size
            self._moved += outcome.moved
            self._skipped += bool(outcome.skipped)
        self.reporter.done(item, outcome)

    def finished_before(self, count: int = 1) -> None:
        """Files that an earlier run of the same job had finished."""
        with self._lock:
            self._files += count
            self._skipped += count

    def failed(self, path: str, error: FileshareError) -> None:
        """A file failed. Raises the error when all others would fail as well."""
        with self._lock:
            self.errors.append(error)
        self.reporter.failed(path, error)
        if hopeless(error):
            raise error

    def summary(self) -> Summary:
        """How it stands."""
        return Summary(
            direction=self._direction,
            files=self._files,
            size=self._size,
            moved=self._moved,
            skipped=self._skipped,
            failed=len(self.errors),
            seconds=time.monotonic() - self._began,
        )
