"""The write-ahead log: when its pages are moved into the database.

Looks at the file's length alone and never opens it: SQLite holds locks on its files,
and closing any descriptor of one drops them for the whole process.
"""

import logging
from pathlib import Path

log = logging.getLogger("fileshare.database")

CHECKPOINT = 16 << 20
"""Bytes by which the log grows between two checkpoints."""

KEPT = CHECKPOINT + (8 << 20)
"""Bytes that the log keeps when it begins anew: as far as it grows between two checkpoints.

Overwriting them is cheaper than growing (10,000 small uploads: 7 %), and a little can be written
on a full disk.
"""

ALARM = 64 << 20
"""Bytes by which it grows before readers who keep it from beginning anew are waited for."""


class WriteAheadLog:
    """The log beside the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-wal")
        self._moved_at = 0
        self._asked = False

    def ask(self) -> None:
        """Let the next commit be followed by a checkpoint, whatever the length."""
        self._asked = True

    def is_due(self) -> bool:
        """Whether it has grown enough since the last checkpoint."""
        size = self._size()
        if size < self._moved_at:  # it has begun anew
            self._moved_at = 0
        return self._asked or size - self._moved_at > CHECKPOINT

    def mode(self) -> str:
        """How to move it now. Waiting for readers stops writers too, so it is done only now and then."""
        size = self._size()
        patient = size // ALARM == self._moved_at // ALARM
        self._moved_at, self._asked = size, False
        if patient:
            return "PASSIVE"
        log.warning(
            "the database's log has grown to %d MiB: emptying it, and waiting for readers", size >> 20
        )
        return "TRUNCATE"

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0
