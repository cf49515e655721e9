"""The digest of a file that grows: of what it held before, read while new bytes already come.

What is appended is hashed from memory once all before it is hashed, and read from the
file until then. Used in threads; none of it waits for another for longer than a slice.
"""

import errno
import os
import threading
from typing import Final

from fileshare.sha256 import Data, Sha256, restored, sha256
from fileshare.storage.intake import SLICE

CATCH_UP: Final = 4 << 20
"""Bytes of a reopened file that are hashed before other work gets its turn at the thread."""


class GrowingDigest:
    """The SHA-256 of an open file to which one writer appends."""

    def __init__(self, fd: int, length: int, saved: bytes | None = None) -> None:
        """The file holds `length` bytes; `saved` (see `save`) is gone on from where it is of no more."""
        self._fd = fd
        self._length = length
        self._hash, self._hashed = _go_on(saved, length)
        self._lock = threading.Lock()
        self._behind = self._hashed < length
        self.restored = self._hashed > 0
        """Whether it rests on what was saved, rather than on the bytes alone."""

    @property
    def behind(self) -> bool:
        """Whether `catch_up` has something to do."""
        return self._behind

    def grew(self, data: Data) -> None:
        """These bytes are in the file, after all that was before."""
        with self._lock:
            self._length += len(data)
            if not self._behind:
                self._update(data)

    def catch_up(self) -> bool:
        """Hash a little more of what is only in the file; whether there is more. Raises OSError."""
        end = min(self._length, self._hashed + CATCH_UP)
        while self._hashed < end:
            data = os.pread(self._fd, min(SLICE, end - self._hashed), self._hashed)
            if not data:
                raise OSError(errno.EIO, "the file is shorter than it was")
            with self._lock:
                self._update(data)
        with self._lock:
            self._behind = self._hashed < self._length
        return self._behind

    def _update(self, data: Data) -> None:
        self._hash.update(data)
        self._hashed += len(data)

    def save(self) -> bytes | None:
        """The digest in the making of what has been hashed so far, which the file holds."""
        with self._lock:
            return self._hash.save()

    def hexdigest(self) -> str:
        """The digest of the whole file, hex, when nothing is `behind`."""
        return self._hash.hexdigest()

    def begin_anew(self) -> None:
        """Hash the whole file once more: `catch_up`."""
        self._hash, self._hashed, self.restored = sha256(), 0, False
        self._behind = self._length > 0


def _go_on(saved: bytes | None, length: int) -> tuple[Sha256, int]:
    """A digest in the making and how much it has hashed: not more than the file holds."""
    found = restored(saved) if saved is not None else None
    return found if found is not None and found[1] <= length else (sha256(), 0)
