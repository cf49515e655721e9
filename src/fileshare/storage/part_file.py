"""The file of a part and its digest, as threads use them: one writes at a time, another may sync.

The offset counts only what the file holds, the durable one only what a sync has covered.
After a failed sync or write nothing more is believed of the file, and what lies past the
durable offset is cut off: a sync that is tried again may succeed without the bytes
being there.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from fileshare.errors import FileshareError, NoSpace, StorageFailed
from fileshare.sha256 import Data
from fileshare.storage.failures import translated
from fileshare.storage.growing_digest import GrowingDigest
from fileshare.storage.page_cache import forget

_log = logging.getLogger("fileshare.server")

EARLY: Final = 8 << 20
"""Bytes after which the kernel is asked to begin writing them out, so that the sync at the end finds
little left: 1 GiB received and synced in 1.1 s instead of 1.7 (ext4, two busy cores)."""


class Synced(NamedTuple):
    """What a sync has covered."""

    offset: int
    hash_state: bytes | None
    """The digest in the making of no more than that."""


class PartFile:
    """An open file to which bytes are appended."""

    def __init__(
        self, upload_id: str, fd: int, offset: int, on_poison: Callable[[str], None], hash_state: bytes | None
    ) -> None:
        """See `DiskPart`."""
        self.upload_id: Final = upload_id
        self.fd = fd
        self.device: Final = os.fstat(fd).st_dev
        self.offset = offset
        self.durable = offset
        self.digest: Final = GrowingDigest(fd, offset, hash_state)
        self.hash_state = hash_state if self.digest.restored else None
        """Of what is durable."""
        self.poison: FileshareError | None = None
        self._full: NoSpace | None = None
        self._on_poison = on_poison
        self._begun = offset

    def check(self) -> None:
        """Raise what ended this part."""
        if self.poison is not None:
            raise self.poison
        if self.fd < 0:
            raise StorageFailed("The upload's part was closed.")

    def check_receiving(self) -> None:
        """Raise why no more bytes can be kept."""
        self.check()
        if self._full is not None:
            raise self._full

    @property
    def keeps(self) -> bool:
        """Whether more bytes can be kept."""
        return self.poison is None and self._full is None

    # Growing

    def keep(self, pieces: Sequence[Data]) -> None:
        """Write the pieces through the page cache, counting and hashing what the file has taken."""
        views = [memoryview(piece).cast("B") for piece in pieces]
        with self.failing():
            os.lseek(self.fd, self.offset, os.SEEK_SET)  # direct writes leave it where it was
            while views and self.keeps:
                self._count(views, os.writev(self.fd, views))
            self._begin_writeback()

    def has(self, view: memoryview) -> None:
        """The file has taken these bytes by another way; a poisoned part forgets them."""
        if self.poison is None:
            self.offset += len(view)
            self.digest.grew(view)

    def _begin_writeback(self) -> None:
        """Let the disk work while bytes arrive. Linux begins to write what it is told not to need."""
        if self.offset - self._begun >= EARLY and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.fd, self._begun, self.offset - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = self.offset

    def _count(self, views: list[memoryview], written: int) -> None:
        """Drop what was written from `views`, in place, and count it as kept."""
        while written:
            taken = views[0][:written]
            rest = views[0][len(taken) :]
            views[:1] = [rest] if rest else []
            written -= len(taken)
            self.offset += len(taken)
            self.digest.grew(taken)

    # Errors

    @contextmanager
    def failing(self) -> Iterator[None]:
        """What is raised within ends the part's growth, an OSError without being raised further."""
        try:
            yield
        except OSError as error:
            self._fail(translated(error))
        except BaseException:
            _log.exception("upload %s: its part ends here", self.upload_id)
            self.lose()
            raise

    def _fail(self, error: FileshareError) -> None:
        """A write failed: without room what is there stays good, otherwise nothing past the last sync."""
        if isinstance(error, NoSpace):
            self._full = error
        else:
            self.be_poisoned(error)
            self.cut_back()

    def lose(self) -> None:
        """Bytes that came are perhaps not in the file: none may follow them."""
        self._fail(StorageFailed("The server met an error of its own; nothing behind it is kept."))

    def be_poisoned(self, error: FileshareError) -> None:
        """The end of this part: every later `check` raises `error`."""
        self.poison = self.poison or error
        self._on_poison(self.upload_id)

    def cut_back(self) -> None:
        """Drop what no sync has covered; its pages may look clean and never have reached the disk."""
        with suppress(OSError):
            os.ftruncate(self.fd, self.durable)
        self.offset = self.durable

    # Durability and reading

    def sync(self) -> Synced:
        """Make what the file holds durable. Raises OSError: `be_poisoned` and `cut_back` are due then."""
        state = self.digest.save()
        covered = self.offset
        os.fdatasync(self.fd)
        if os.fstat(self.fd).st_size < covered:
            raise OSError(errno.EIO, "the file is shorter than what was written")
        forget(self.fd, self.durable, covered)
        return Synced(covered, state)

    def was_synced(self, synced: Synced) -> None:
        """Believe it, unless there was an error meanwhile."""
        if self.poison is None:
            self.durable, self.hash_state = synced

    def read(self, limit: int) -> bytes:
        """The first bytes, up to `limit`."""
        pieces: list[bytes] = []
        offset, count = 0, min(limit, self.offset)
        while offset < count and (data := os.pread(self.fd, count - offset, offset)):
            pieces.append(data)
            offset += len(data)
        return b"".join(pieces)
