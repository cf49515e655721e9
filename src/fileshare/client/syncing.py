"""Making many files durable at once, and giving them their names, by the fastest way that the system has.

Linux writes a whole file system out in one call, in a tenth of the time that a sync of
each file takes. Everywhere else, and for a few files, each is synced by itself, some at
a time. Nothing here is durable before its call has returned.
"""

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence

from fileshare.client.places import sync_folder

_MANY = 32
"""From so many files on, one call for the file system is worth that it writes out what others wrote, too."""

_AT_ONCE = 4
"""Syncs in flight: disks do four in little more than the time of one."""

_TELLS_ERRORS = (5, 8)
"""Linux before this version keeps the errors of a write-out from who calls syncfs."""


class FileSystem:
    """The file system of a folder. Open it before the first write: errors since then are told."""

    def __init__(self, folder: str) -> None:
        """Raises OSError."""
        self._syncfs = _syncfs()
        self._rename = _renameat2()
        self._folder = os.open(folder, os.O_RDONLY) if self._syncfs is not None else -1

    def sync(self, files: Sequence[str]) -> None:
        """The bytes of these files are on the disk on return. Raises OSError."""
        if not self._sync_all(len(files)):
            _each(_sync_file, files)

    def sync_names(self, folders: Iterable[str]) -> None:
        """The names in these folders are on the disk on return. Raises OSError."""
        known = sorted(set(folders))
        if not self._sync_all(len(known)):
            _each(sync_folder, known)

    def rename(self, path: str, target: str) -> bool:
        """Rename without replacing; False where it takes another way. Raises FileExistsError.

        One call, where a link and an unlink are two changes of folders for each file.
        """
        return self._rename is not None and self._rename(os.fsencode(path), os.fsencode(target))

    def rename_folder(self, folder: str, target: str) -> bool:
        """Let a folder take the place of an empty one; False where there is anything else, or it can't be."""
        if sys.platform == "win32":
            return False
        try:
            os.rename(folder, target)
        except OSError:
            return False
        return True

    def _sync_all(self, count: int) -> bool:
        if self._syncfs is None or count < _MANY:
            return False
        self._syncfs(self._folder)
        return True

    def close(self) -> None:
        """Let go of it. Safe to call twice."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1


def _syncfs() -> Callable[[int], None] | None:
    """Linux's call of that name, which Python has no function for; None where there is none to rely on."""
    if sys.platform != "linux" or _version(os.uname().release) < _TELLS_ERRORS:
        return None
    try:
        import ctypes  # costs 8 ms, which a first byte does not wait for

        libc = ctypes.CDLL(None, use_errno=True)
        call = libc.syncfs
    except (ImportError, OSError, AttributeError):
        return None

    def syncfs(descriptor: int) -> None:
        if call(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return syncfs


_NO_REPLACE = 1
"""RENAME_NOREPLACE of Linux."""

_HERE = -100
"""AT_FDCWD: paths are as for any other call."""


def _renameat2() -> Callable[[bytes, bytes], bool] | None:
    """Linux's rename that replaces nothing, which Python has no function for; None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError):
        return None

    def rename(path: bytes, target: bytes) -> bool:
        if call(_HERE, path, _HERE, target, _NO_REPLACE) == 0:
            return True
        if ctypes.get_errno() == errno.EEXIST:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(target))
        return False

    return rename


def _version(release: str) -> tuple[int, ...]:
    """6.1.0-13-amd64 as (6, 1)."""
    return tuple(int(part) if part.isdecimal() else 0 for part in release.split(".")[:2])


def _sync_file(path: str) -> None:
    descriptor = os.open(
        path, os.O_RDWR | getattr(os, "O_BINARY", 0)
    )  # Windows syncs only what can be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _each(sync: Callable[[str], None], paths: Sequence[str]) -> None:
    """Sync all of them, some at a time. Raises the first OSError, after all have ended."""
    errors: list[OSError] = []

    def run(some: Sequence[str]) -> None:
        for path in some:
            try:
                sync(path)
            except OSError as error:
                errors.append(error)

    threads = [
        threading.Thread(target=run, args=(paths[start::_AT_ONCE],), daemon=True)
        for start in range(1, min(_AT_ONCE, len(paths)))
    ]
    for thread in threads:
        thread.start()
    run(paths[::_AT_ONCE])
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
