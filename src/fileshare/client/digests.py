"""Digests of local files that were hashed before, so that a repeat costs no second pass.

A hint and nothing more: what follows from it is proved to the server with the file's own
bytes, or compared with what the server has. Keyed by everything that a change of content
changes; what was hashed within two seconds of its change is not kept, because a clock's
tick may hide another change.
"""

import os
import struct
import threading
import time

from fileshare.client.begun_digests import BegunDigests
from fileshare.client.places import make_private

_ENTRY = struct.Struct(">QQQqq32s")
"""Device, inode, size, mtime_ns, ctime_ns, digest."""

_MOST = 50_000
"""Entries: 4 MB. When there are more, the older half goes."""

_SETTLED_NS = 2_000_000_000
"""FAT counts in two seconds."""

_MASK = (1 << 64) - 1

Key = tuple[int, int, int, int, int]


class Digests:
    """The file of them in a state folder. Any thread may use it; several processes may as well."""

    def __init__(self, folder: str) -> None:
        self.begun = BegunDigests(folder)
        """What was not hashed to its end."""
        self._path = os.path.join(folder, "digests")
        self._known: dict[Key, bytes] | None = None
        self._lock = threading.Lock()

    def of(self, path: str) -> str | None:
        """The digest of the file, if it is what it was when it was hashed."""
        try:
            key = _key(os.stat(path))
        except OSError:
            return None
        with self._lock:
            found = self._entries().get(key)
        return found.hex() if found is not None else None

    def keep(self, path: str, status: os.stat_result, digest: str) -> None:
        """Remember the digest of a file that looked like `status` before it was hashed, and still does."""
        key = _key(status)
        try:
            settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS
            if not settled or _key(os.stat(path)) != key:
                return
            with self._lock:
                if self._entries().get(key) != bytes.fromhex(digest):
                    self._append(key, bytes.fromhex(digest))
        except OSError:
            return  # a hint that can't be kept costs a second pass, no more

    def _entries(self) -> dict[Key, bytes]:
        if self._known is None:
            self._known = self._load()
        return self._known

    def _load(self) -> dict[Key, bytes]:
        try:
            with open(self._path, "rb") as file:
                raw = file.read()
        except OSError:
            return {}
        whole = raw[: len(raw) - len(raw) % _ENTRY.size]
        if len(whole) > _MOST * _ENTRY.size or len(whole) < len(raw):
            whole = self._shorten(whole)
        return {entry[:5]: entry[5] for entry in _ENTRY.iter_unpack(whole)}

    def _shorten(self, whole: bytes) -> bytes:
        """Write the newer half anew, or all of it where only its end was torn."""
        kept = whole if len(whole) <= _MOST * _ENTRY.size else whole[-_MOST // 2 * _ENTRY.size :]
        temporary = f"{self._path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as file:
            file.write(kept)
        os.replace(temporary, self._path)
        return kept

    def _append(self, key: Key, digest: bytes) -> None:
        self._entries()[key] = digest
        make_private(os.path.dirname(self._path))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, _ENTRY.pack(*key, digest))
        finally:
            os.close(descriptor)


def _key(status: os.stat_result) -> Key:
    return (
        status.st_dev & _MASK,
        status.st_ino & _MASK,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
