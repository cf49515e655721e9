"""The bytes: parts of uploads, blobs that never change, and the room they have."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from fileshare.domain.model import Upload
from fileshare.services.ports.streams import Sink, Source


class Part(Protocol):
    """The bytes of one upload while they arrive. One writer at a time."""

    @property
    def upload_id(self) -> str:
        """The upload whose bytes these are."""
        ...

    @property
    def offset(self) -> int:
        """Bytes kept so far: written, perhaps not yet durable."""
        ...

    @property
    def device(self) -> int:
        """The device that the part lies on (`st_dev`), stored with its offset row."""
        ...

    async def receive(self, source: Source, limit: int, came: Callable[[], None] | None = None) -> int:
        """Take up to `limit` bytes from `source`; returns how many were kept.

        `came` hears now and then, on the loop, that `offset` has grown.

        Less than `limit` means that the source ended. Every byte that the source
        gave is kept, or the part is poisoned: then this and every later call raises
        NoSpace or StorageFailed, and only what `sync` had returned before is durable.
        NoSpace alone does not poison: the bytes up to `offset` stay good, and those that
        the source gave after them are lost, so the part takes more only when reopened.
        """
        ...

    async def sync(self) -> int:
        """Make what has been kept durable (fdatasync); returns the durable offset.

        May run while `receive` does: it covers what was kept when it was called.
        An error poisons the part; it is never tried again.
        """
        ...

    @property
    def hash_state(self) -> bytes | None:
        """The digest in the making of bytes that are durable, for the row: `Blobs.reopen` goes on from it."""
        ...

    async def digest(self, promised: str | None = None) -> str:
        """The SHA-256 of all bytes kept so far, hex. Call it only when no `receive` runs.

        Where hashing had gone on from a row's `hash_state` and the digest is not the `promised`
        one, the bytes are read again: no upload is rejected, or named, for the sake of a state.
        """
        ...

    async def read(self, limit: int) -> bytes:
        """The first bytes of the part, up to `limit`: small contents move into the database."""
        ...

    async def close(self) -> None:
        """Let go of the file; does not sync. Safe to call twice."""
        ...


class Content(Struct, frozen=True):
    """Bytes under their digest: in the database when small, otherwise a blob.

    Opaque to the services: they get it from the catalog and hand it to `Blobs.send`,
    so that a store that keeps many extents per content fits behind the same port.
    """

    digest: str
    size: int
    data: bytes | None = None
    """The bytes themselves where they are small; None for a blob."""


class Blobs(Protocol):
    """The bytes: parts of uploads, and blobs that never change."""

    @property
    def boot_id(self) -> str:
        """The running kernel's boot id: tells a process kill from a power cut."""
        ...

    @property
    def device(self) -> int:
        """The device that new parts are created on."""
        ...

    async def create(self, upload_id: str) -> Part:
        """A new empty part; its name is durable on return (the folder is synced)."""
        ...

    async def reopen(self, upload: Upload) -> Part:
        """Open the part of a known upload for appending; its `offset` is durable on return.

        Same boot and device as the row says: bytes past the row's offset are kept and
        synced, so that a mere kill of the process costs nothing. Otherwise the part is
        cut back to the row's offset. A part that is shorter than its row is returned at
        its own length (the caller lets the row follow and logs it); a missing part is
        created empty.
        """
        ...

    async def join(self, upload_id: str, pieces: Sequence[tuple[str, int]]) -> Part:
        """A new part with the bytes of other uploads' parts, one after the other; durable on return.

        `pieces` are ids and the length that each part has; nobody writes to them meanwhile,
        and they stay as they are. Raises StorageFailed where one is missing or has another
        length, NoSpace, and leaves no part behind then.
        """
        ...

    async def discard(self, upload_id: str) -> None:
        """Remove the part; nothing happens when there is none."""
        ...

    async def publish(self, upload_id: str, digest: str) -> None:
        """Turn a synced part into the blob of that digest: rename, sync both folders.

        Idempotent: with the part gone and the blob in place it returns. A blob that is
        already there gives way: the part's bytes have just been verified, and its own may
        have rotted. Raises NotFound when there is neither.
        """
        ...

    async def exists(self, digest: str, size: int) -> bool:
        """Whether a blob of that digest and of just that size lies there, not known to be damaged."""
        ...

    async def remove(self, digest: str) -> None:
        """Unlink a blob; nothing happens when there is none. Only the sweeper calls it."""
        ...

    async def send(self, content: Content, start: int, stop: int, sink: Sink) -> None:
        """Send the bytes [start, stop) of a content to `sink`.

        Raises Damaged before the first byte when the blob is missing or has another
        size than `content.size`, and ConnectionLost from the sink.
        """
        ...

    async def keyed_digest(self, nonce: bytes, content: Content) -> bytes:
        """SHA-256(nonce ‖ content), raw. Raises Damaged as `send` does."""
        ...

    async def rehash(self, content: Content) -> str:
        """The SHA-256 that the bytes really have, hex. Raises Damaged when they are missing.

        A blob whose bytes are found to be others counts as missing from then on, until they are
        found right or another part is published in its place.
        """
        ...

    async def read_part(self, upload_id: str, offset: int, limit: int) -> bytes:
        """The bytes of a part from `offset`, up to `limit`; empty at its end and where there is none."""
        ...

    async def rehash_part(self, upload_id: str) -> tuple[int, str] | None:
        """Length and SHA-256 of a part as it lies on disk, None when there is none."""
        ...

    async def parts(self) -> Sequence[str]:
        """The upload ids of all parts that lie there."""
        ...

    async def digests(self) -> Sequence[str]:
        """The digests of all blobs that lie there."""
        ...

    async def space(self) -> tuple[int, int]:
        """Free and total bytes of the file system, as an unprivileged writer sees them."""
        ...


class Reserve(Protocol):
    """Bytes of the disk that are set aside, so that deleting works when it is full."""

    async def spend(self) -> bool:
        """Give the bytes back to the file system; False when they had been already."""
        ...

    async def refill(self) -> None:
        """Set them aside anew where there is room; nothing happens where there is not."""
        ...
