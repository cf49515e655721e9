"""The data folder: its layout, readable by its owner alone, and the lock that makes it one server's.

data/fileshare.db   the database, with `-wal` and `-shm` beside it while it is open
data/blobs/ab/      contents under their SHA-256, by its first two digits
data/uploads/       parts of uploads
data/logs/          log files
data/lock           held while a server or a command that writes uses the folder
data/reserve        bytes set aside, so that deleting works on a full disk
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from fileshare.errors import Unavailable
from fileshare.storage.failures import translated

FOLDERS: Final = ("blobs", "uploads", "logs")


class DataFolder:
    """A data folder, held from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        """Where the database lies."""
        return self.path / "fileshare.db"

    def open(self) -> None:
        """Create what is missing and take the lock; safe to call again.

        Raises Unavailable when another process holds it, NoSpace and StorageFailed.
        """
        if self._lock is not None:
            return
        try:
            make_folder(self.path)
            self._lock = self._take_lock()
            for name in FOLDERS:
                make_folder(self.path / name)
        except OSError as error:
            self.close()
            raise translated(error) from error

    def close(self) -> None:
        """Let go of the folder. Safe to call twice. The lock's file stays: removing it would race."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> "DataFolder":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_lock(self) -> int:
        """A lock of the kernel's: it ends with the process, however that ends."""
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Unavailable(f"Another fileshare server uses {self.path}: stop it first.") from None
        except OSError:
            os.close(lock)
            raise
        return lock


def make_folder(path: Path) -> None:
    """Create a folder for its owner alone, and its parents, where missing; its name is durable."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
