"""Parts and blobs in memory, with a page cache to lose: bytes are kept, and later synced.

`power_cut` takes away what was never synced; everything else is as on the disk.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fileshare.domain.model import Upload
from fileshare.errors import Conflict, Damaged, FileshareError, NoSpace, NotFound, StorageFailed
from fileshare.services.ports import Content, Sink, Source
from fileshare.storage.mishaps import Mishaps

SLICE = 1 << 20
"""Bytes asked of a source at a time, as on the disk."""


@dataclass(slots=True, eq=False)
class _File:
    data: bytearray = field(default_factory=bytearray)
    durable: int = 0


class MemoryPart:
    """`services.ports.Part` in a bytearray."""

    def __init__(self, upload_id: str, file: _File, blobs: "MemoryBlobs") -> None:
        self._upload_id = upload_id
        self._file = file
        self._blobs = blobs
        self._poison: FileshareError | None = None
        self._full: NoSpace | None = None
        self.closed = False

    @property
    def upload_id(self) -> str:
        """See the port."""
        return self._upload_id

    @property
    def offset(self) -> int:
        """See the port."""
        return len(self._file.data)

    @property
    def device(self) -> int:
        """See the port."""
        return self._blobs.device

    async def receive(self, source: Source, limit: int, came: Callable[[], None] | None = None) -> int:
        """See the port."""
        self._check(writing=True)
        kept = 0
        while kept < limit and (data := await source.read(min(SLICE, limit - kept))):
            try:
                self._blobs.reach("receive")
            except NoSpace as error:
                self._full = error
                raise
            except FileshareError as error:
                self._poisoned(error)
                raise
            self._file.data += data
            kept += len(data)
            if came is not None:
                came()
        return kept

    async def sync(self) -> int:
        """See the port."""
        self._check()
        try:
            self._blobs.reach("sync")
        except FileshareError as error:
            self._poisoned(error)
            raise
        self._file.durable = len(self._file.data)
        return self._file.durable

    @property
    def hash_state(self) -> bytes | None:
        """None: reading memory again costs nothing."""
        return None

    async def digest(self, promised: str | None = None) -> str:
        """See the port."""
        self._check()
        self._blobs.reach("digest")
        return hashlib.sha256(self._file.data).hexdigest()

    async def read(self, limit: int) -> bytes:
        """See the port."""
        self._check()
        return bytes(self._file.data[:limit])

    async def close(self) -> None:
        """See the port."""
        self.closed = True

    def _check(self, *, writing: bool = False) -> None:
        if self.closed:
            raise ValueError("the part was closed")
        if self._poison is not None:
            raise self._poison
        if writing and self._full is not None:
            raise self._full

    def _poisoned(self, error: FileshareError) -> None:
        """What was never synced is not to be trusted, and goes."""
        self._poison = error
        del self._file.data[self._file.durable :]


class MemoryBlobs(Mishaps):
    """`services.ports.Blobs` in dictionaries.

    `stored` holds the blobs by digest; tests may damage them. `free` is what `space` tells.
    Steps that can fail (`fail("sync", …)`): every method's name, `receive` for each slice
    that a source gave, and `sync` and `digest` of parts.
    """

    def __init__(self, boot_id: str = "boot-1", device: int = 1) -> None:
        super().__init__()
        self.stored: dict[str, bytes] = {}
        self.free = 1 << 40
        self.total = 1 << 41
        self._boots = 1
        self._boot_id = boot_id
        self._device = device
        self._parts: dict[str, _File] = {}
        self._damaged: set[str] = set()

    def power_cut(self) -> None:
        """The machine goes down and comes up: only what was synced is left, under another boot id."""
        self._boots += 1
        self._boot_id = f"boot-{self._boots}"
        for part in self._parts.values():
            del part.data[part.durable :]

    @property
    def boot_id(self) -> str:
        """See the port."""
        return self._boot_id

    @property
    def device(self) -> int:
        """See the port."""
        return self._device

    async def create(self, upload_id: str) -> MemoryPart:
        """See the port."""
        self.reach("create")
        if upload_id in self._parts:
            raise Conflict("There is a part of that id already.")
        self._parts[upload_id] = _File()
        return MemoryPart(upload_id, self._parts[upload_id], self)

    async def reopen(self, upload: Upload) -> MemoryPart:
        """See the port."""
        self.reach("reopen")
        file = self._parts.setdefault(upload.id, _File())
        if (upload.boot_id, upload.device) != (self._boot_id, self._device):
            del file.data[upload.offset :]
        file.durable = len(file.data)
        return MemoryPart(upload.id, file, self)

    async def join(self, upload_id: str, pieces: Sequence[tuple[str, int]]) -> MemoryPart:
        """See the port."""
        self.reach("join")
        found = [self._parts.get(piece, _File()).data for piece, _ in pieces]
        if [len(data) for data in found] != [length for _, length in pieces]:
            raise StorageFailed("A piece of the upload has another length than it had.")
        part = await self.create(upload_id)
        self._parts[upload_id].data += b"".join(found)
        await part.sync()
        return part

    async def discard(self, upload_id: str) -> None:
        """See the port."""
        self.reach("discard")
        self._parts.pop(upload_id, None)

    async def publish(self, upload_id: str, digest: str) -> None:
        """See the port."""
        self.reach("publish")
        part = self._parts.pop(upload_id, None)
        if part is None and digest not in self.stored:
            raise NotFound("There is neither a part nor a blob.")
        if part is not None:
            self.stored[digest] = bytes(part.data)
            self._damaged.discard(digest)
        self.reach("publish", after=True)

    async def exists(self, digest: str, size: int) -> bool:
        """See the port."""
        self.reach("exists")
        sound = digest in self.stored and digest not in self._damaged
        return sound and len(self.stored[digest]) == size

    async def remove(self, digest: str) -> None:
        """See the port."""
        self.reach("remove")
        self.stored.pop(digest, None)

    async def send(self, content: Content, start: int, stop: int, sink: Sink) -> None:
        """See the port."""
        self.reach("send")
        data = memoryview(self._bytes(content))[start:stop]
        for first in range(0, len(data), SLICE):
            await sink.write(data[first : first + SLICE])

    async def keyed_digest(self, nonce: bytes, content: Content) -> bytes:
        """See the port."""
        self.reach("keyed_digest")
        return hashlib.sha256(nonce + self._bytes(content)).digest()

    async def rehash(self, content: Content) -> str:
        """See the port."""
        self.reach("rehash")
        data = self.stored.get(content.digest) if content.data is None else content.data
        if data is None:
            raise Damaged()
        found = hashlib.sha256(data).hexdigest()
        if found == content.digest:
            self._damaged.discard(found)
        else:
            self._damaged.add(content.digest)
        return found

    async def read_part(self, upload_id: str, offset: int, limit: int) -> bytes:
        """See the port."""
        self.reach("read_part")
        part = self._parts.get(upload_id)
        return b"" if part is None else bytes(part.data[offset : offset + limit])

    async def rehash_part(self, upload_id: str) -> tuple[int, str] | None:
        """See the port."""
        self.reach("rehash_part")
        part = self._parts.get(upload_id)
        return None if part is None else (len(part.data), hashlib.sha256(part.data).hexdigest())

    async def parts(self) -> Sequence[str]:
        """See the port."""
        return list(self._parts)

    async def digests(self) -> Sequence[str]:
        """See the port."""
        return list(self.stored)

    async def space(self) -> tuple[int, int]:
        """See the port."""
        return self.free, self.total

    def _bytes(self, content: Content) -> bytes:
        data = self.stored.get(content.digest) if content.data is None else content.data
        if data is None or len(data) != content.size or content.digest in self._damaged:
            raise Damaged()
        return data


class MemoryReserve(Mishaps):
    """`services.ports.Reserve` as a flag."""

    def __init__(self) -> None:
        super().__init__()
        self.set_aside = True

    async def spend(self) -> bool:
        """See the port."""
        self.reach("spend")
        had, self.set_aside = self.set_aside, False
        return had

    async def refill(self) -> None:
        """See the port."""
        self.reach("refill")
        self.set_aside = True
