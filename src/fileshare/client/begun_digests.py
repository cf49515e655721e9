"""How far large local files were hashed, so that going on at 90 of 100 GB reads 10 and not 100.

A hint and nothing more: it belongs to one content of one file, as far as the system can
tell contents apart (see `state.Identity`), and the server compares its own digest of what
came. Losing it, or finding it useless, costs a second pass.
"""

import hashlib
import os
import time
from typing import TYPE_CHECKING, Final

from fileshare.client.places import make_private
from fileshare.client.state import Identity

if TYPE_CHECKING:
    from fileshare.sha256 import Data, Sha256

STEP: Final = 64 << 20
"""Bytes between two times that it is kept: what a kill can cost of hashing, some 40 ms."""

_SETTLED_NS: Final = 2_000_000_000
"""A younger content may change again without the clock showing it (FAT counts in two seconds)."""

_DAYS: Final = 30
"""Nobody goes on with what is older: the server has given such an upload up by then."""


class BegunDigests:
    """Digests in the making, a small file each in a state folder. Any thread may use it."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "hashing")

    def of(self, identity: Identity) -> "tuple[Sha256, int] | None":
        """Where hashing of that content stopped: the digest, and of how many bytes from the first on."""
        try:
            with open(self._path(identity), "rb") as file:
                saved = file.read(1024)
        except OSError:
            return None
        from fileshare.sha256 import restored  # here, as ctypes is 5 ms of a command's start

        return restored(saved)

    def keep(self, identity: Identity, digest: "Sha256") -> None:
        """Remember it. What can't be kept costs a second pass, no more."""
        saved = digest.save()
        if saved is None or time.time_ns() - identity.mtime_ns < _SETTLED_NS:
            return
        path = self._path(identity)
        temporary = f"{path}.{os.getpid()}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        try:
            make_private(self._folder)
            descriptor = os.open(temporary, flags, 0o600)
            try:
                os.write(descriptor, saved)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except OSError:
            return

    def drop(self, identity: Identity) -> None:
        """Its upload is over; with it goes what nobody has gone on with for long."""
        if identity.size < STEP:
            return
        _remove(self._path(identity))
        self._drop_old()

    def _drop_old(self) -> None:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        for name in names:
            path = os.path.join(self._folder, name)
            if _age(path) > _DAYS * 86_400:
                _remove(path)

    def _path(self, identity: Identity) -> str:
        told = " ".join(map(str, (identity.device, identity.inode, identity.size, identity.mtime_ns)))
        return os.path.join(self._folder, hashlib.sha256(told.encode()).hexdigest()[:32])


class BegunDigest:
    """The digest of one file, hashed from its beginning on, and kept on the way where there is a place."""

    def __init__(self, identity: Identity, kept: BegunDigests | None) -> None:
        """Small files are hashed anew: `kept` is neither asked nor told."""
        self._identity = identity
        self._kept = kept if identity.size > STEP else None
        self.hashed = 0
        self._lasting = self._go_on(self._kept) if self._kept is not None else None
        self._digest: Sha256 | hashlib._Hash = self._lasting or hashlib.sha256()
        self._kept_at = self.hashed

    def _go_on(self, kept: BegunDigests) -> "Sha256":
        found = kept.of(self._identity)
        if found is not None:
            digest, self.hashed = found
            return digest
        from fileshare.sha256 import sha256

        return sha256()

    def update(self, data: "Data") -> None:
        """Hash the next bytes."""
        self._digest.update(data)
        self.hashed += len(data)
        if self._kept is not None and self.hashed - self._kept_at >= STEP:
            self.keep()

    def keep(self) -> None:
        """Remember how far it is; nothing happens where there is nothing new."""
        if self._kept is not None and self._lasting is not None and self.hashed > self._kept_at:
            self._kept.keep(self._identity, self._lasting)
            self._kept_at = self.hashed

    def hexdigest(self) -> str:
        """The digest of all that was hashed."""
        return self._digest.hexdigest()


def _age(path: str) -> float:
    """Seconds since it was written; 0 where that can't be told."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0.0


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
