"""Blobs and parts on the local disk: `blobs/ab/<sha256>` and `uploads/<upload id>.part`.

No text from a user becomes part of a path here: names are hex digits of ours, and
that is checked. Blobs are never written to. What is reported as durable was synced, the
names in its folders too; a sync that failed is never tried again.
"""

import asyncio
import hashlib
import os
import re
import stat
import uuid
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from fileshare.domain.model import Upload
from fileshare.errors import Conflict, Damaged, NotFound, StorageFailed
from fileshare.services.ports import Content, Sink
from fileshare.storage.direct_writer import Buffers
from fileshare.storage.failures import translated
from fileshare.storage.folder import make_folder, sync_folder
from fileshare.storage.joining import Joining
from fileshare.storage.open_blob import OpenBlob
from fileshare.storage.parts import DiskPart
from fileshare.storage.threads import DiskThreads, Pools

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

HASH_STEP: Final = 16 << 20
"""Bytes of a blob hashed before other work gets its turn at the thread, some ten milliseconds."""

HASH_SLICE: Final = 1 << 20
"""Bytes read at a time for hashing."""

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

_PART_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
DAMAGED: Final = stat.S_ISVTX
"""The mode bit, of no other use to a file, by which a blob is known that was read and found damaged."""

_BLOB_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class DiskBlobs:
    """`services.ports.Blobs` in a data folder."""

    def __init__(self, data_dir: Path, boot_id: str | None = None) -> None:
        """`boot_id` stands in for the kernel's in tests."""
        self._blobs = data_dir / "blobs"
        self._uploads = data_dir / "uploads"
        self._boot_id = boot_id or ""
        self._device = 0
        self._pools = Pools(DiskThreads(), DiskThreads(), Buffers())
        self._threads = self._pools.disk
        self._synced_folders: set[Path] = set()
        self._unsure: set[str] = set()
        """Uploads whose part had an error: what lies past their row is not to be trusted."""
        self._failure: StorageFailed | None = None

    async def open(self) -> None:
        """Make the folders that are missing. Raises NoSpace and StorageFailed."""
        await self._threads.run(self._open)

    def _open(self) -> None:
        for folder in (self._blobs, self._uploads):
            make_folder(folder)
        self._device = self._uploads.stat().st_dev
        self._boot_id = self._boot_id or _boot_id()

    async def close(self) -> None:
        """Wait for what is being done, and end the threads."""
        await self._pools.movers.stop()  # they wait for the others, never the other way round
        await self._threads.stop()

    @property
    def boot_id(self) -> str:
        """See the port."""
        return self._boot_id

    @property
    def device(self) -> int:
        """See the port."""
        return self._device

    # Parts

    async def create(self, upload_id: str) -> DiskPart:
        """See the port. Raises Conflict when there is such a part already."""
        fd = await self._threads.open(self._create, self._part(upload_id))
        return DiskPart(upload_id, fd, 0, self._pools, self._unsure.add)

    def _create(self, path: Path) -> int:
        try:
            fd = os.open(path, _PART_FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Conflict("There is a part of that id already.") from None
        try:
            self._sync_names(self._uploads)
        except BaseException:
            os.close(fd)
            raise
        return fd

    async def reopen(self, upload: Upload) -> DiskPart:
        """See the port."""
        fd = await self._threads.open(self._reopen, upload)
        length = os.lseek(fd, 0, os.SEEK_CUR)
        return DiskPart(upload.id, fd, length, self._pools, self._unsure.add, hash_state=upload.hash_state)

    def _reopen(self, upload: Upload) -> int:
        path = self._part(upload.id)
        try:
            fd = os.open(path, _PART_FLAGS)
        except FileNotFoundError:
            return self._create(path)
        try:
            self._keep_what_is_sure(fd, upload)
        except BaseException:
            self._unsure.add(upload.id)
            os.close(fd)
            raise
        return fd

    def _keep_what_is_sure(self, fd: int, upload: Upload) -> None:
        """Leave the file at its end: past the row only what this boot's page cache has kept for us."""
        found = os.fstat(fd)
        same_boot = (upload.boot_id, upload.device) == (self._boot_id, found.st_dev)
        if found.st_size > upload.offset and (not same_boot or upload.id in self._unsure):
            os.ftruncate(fd, upload.offset)
        os.fsync(fd)
        self._unsure.discard(upload.id)
        os.lseek(fd, 0, os.SEEK_END)

    async def join(self, upload_id: str, pieces: Sequence[tuple[str, int]]) -> DiskPart:
        """See the port. Where the file system can, the new part shares the pieces' extents."""
        joined = Joining(self._part(upload_id), [(self._part(piece), length) for piece, length in pieces])
        fd = await joined.run(self._threads, self._create)
        return DiskPart(upload_id, fd, joined.length, self._pools, self._unsure.add)

    async def discard(self, upload_id: str) -> None:
        """See the port."""
        self._unsure.discard(upload_id)
        await self._threads.run(self._part(upload_id).unlink, missing_ok=True)

    async def read_part(self, upload_id: str, offset: int, limit: int) -> bytes:
        """See the port."""
        return await self._threads.run(_read_some, self._part(upload_id), offset, limit)

    async def rehash_part(self, upload_id: str) -> tuple[int, str] | None:
        """See the port."""
        fd = await self._threads.open(_open_existing, self._part(upload_id))
        if fd is None:
            return None
        found = hashlib.sha256()
        size = await self._hash(fd, found)
        return size, found.hexdigest()

    async def parts(self) -> Sequence[str]:
        """See the port."""
        names = await self._threads.run(os.listdir, self._uploads)
        stems = (name.removesuffix(".part") for name in names if name.endswith(".part"))
        return [stem for stem in stems if _UPLOAD_ID.fullmatch(stem)]

    # Blobs

    async def publish(self, upload_id: str, digest: str) -> None:
        """See the port."""
        await self._threads.run(self._publish, self._part(upload_id), self._blob(digest))

    def _publish(self, part: Path, blob: Path) -> None:
        """Syncs the names also where there was nothing to rename: a kill may have come before the sync."""
        has_come = _size(part) is not None
        if not has_come and _size(blob) is None:
            raise NotFound("There is neither a part nor a blob.")
        blob.parent.mkdir(mode=0o700, exist_ok=True)
        if has_come:
            part.rename(blob)
        self._sync_names(blob.parent)
        self._sync_names(self._uploads)
        if blob.parent not in self._synced_folders:
            self._sync_names(self._blobs)
            self._synced_folders.add(blob.parent)

    async def exists(self, digest: str, size: int) -> bool:
        """See the port."""
        return await self._threads.run(_size_of_sound, self._blob(digest)) == size

    async def remove(self, digest: str) -> None:
        """See the port. Not synced: a blob that comes back after a power cut is an orphan, and found."""
        await self._threads.run(self._blob(digest).unlink, missing_ok=True)

    async def digests(self) -> Sequence[str]:
        """See the port."""
        return await self._threads.run(self._digests)

    def _digests(self) -> list[str]:
        found: list[str] = []
        for folder in self._blobs.iterdir():
            with suppress(NotADirectoryError):
                names = [path.name for path in folder.iterdir()]
                found += [name for name in names if _DIGEST.fullmatch(name) and name[:2] == folder.name]
        return found

    # Reading contents

    async def send(self, content: Content, start: int, stop: int, sink: Sink) -> None:
        """See the port."""
        if content.data is not None:
            await sink.write(memoryview(_whole(content))[start:stop])
            return
        with closing(OpenBlob(await self._open_blob(content), self._pools.movers)) as blob:
            await sink.send_file(blob, start, stop - start)

    async def keyed_digest(self, nonce: bytes, content: Content) -> bytes:
        """See the port."""
        keyed = hashlib.sha256(nonce)
        if content.data is not None:
            keyed.update(_whole(content))
        else:
            await self._hash_blob(await self._open_blob(content), keyed)
        return keyed.digest()

    async def rehash(self, content: Content) -> str:
        """See the port. Bytes that can't be read are damaged too."""
        if content.data is not None:
            return hashlib.sha256(content.data).hexdigest()
        fd = await self._threads.open(_open_existing, self._blob(content.digest))
        if fd is None:
            raise Damaged()
        found = hashlib.sha256()
        marked = os.dup(fd)
        try:
            await self._hash_blob(fd, found)
            await self._threads.run(_mark, marked, found.hexdigest() != content.digest)
        finally:
            os.close(marked)
        return found.hexdigest()

    async def _open_blob(self, content: Content) -> int:
        """A descriptor of a blob that has its size. Raises Damaged."""
        fd = await self._threads.open(_open_sound, self._blob(content.digest), content.size)
        if fd is None:
            raise Damaged()
        return fd

    async def _hash_blob(self, fd: int, into: "hashlib._Hash") -> None:
        try:
            await self._hash(fd, into)
        except StorageFailed as error:
            raise Damaged() from error

    async def _hash(self, fd: int, into: "hashlib._Hash") -> int:
        """Hash a file to its end, in steps, and close it; returns its length."""
        offset = 0
        while True:
            step = self._threads.submit(_hash_some, fd, into, offset)
            try:
                hashed = await asyncio.shield(step)
            except BaseException as error:
                step.add_done_callback(lambda _: os.close(fd))  # not under the thread that still reads it
                if isinstance(error, OSError):
                    raise translated(error) from error
                raise
            offset += hashed
            if not hashed:
                os.close(fd)
                return offset

    async def space(self) -> tuple[int, int]:
        """See the port."""
        room = await self._threads.run(os.statvfs, self._uploads)
        return room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize

    # Names

    def _part(self, upload_id: str) -> Path:
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise ValueError("an upload id is 32 hex digits")
        return self._uploads / f"{upload_id}.part"

    def _blob(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a digest is 64 hex digits")
        return self._blobs / digest[:2] / digest

    def _sync_names(self, folder: Path) -> None:
        """Make a folder's names durable. After a failure nothing here is: a second try may lie."""
        if self._failure is not None:
            raise self._failure
        try:
            sync_folder(folder)
        except OSError as error:
            self._failure = StorageFailed(
                "The server's disk could not keep a file's name: it needs a new start."
            )
            raise self._failure from error


def _open_existing(path: Path) -> int | None:
    try:
        return os.open(path, _BLOB_FLAGS)
    except FileNotFoundError:
        return None


def _open_sound(path: Path, size: int) -> int | None:
    """A blob of that size that nothing has found to be damaged; None where there is no such."""
    fd = _open_existing(path)
    if fd is None or _sound_size(os.fstat(fd)) == size:
        return fd
    os.close(fd)
    return None


def _read_some(path: Path, offset: int, limit: int) -> bytes:
    fd = _open_existing(path)
    if fd is None:
        return b""
    try:
        return os.pread(fd, limit, offset)
    finally:
        os.close(fd)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _size_of_sound(path: Path) -> int | None:
    try:
        return _sound_size(path.stat())
    except FileNotFoundError:
        return None


def _sound_size(found: os.stat_result) -> int | None:
    """None for a blob that is marked as damaged."""
    return None if found.st_mode & DAMAGED else found.st_size


def _mark(fd: int, damaged: bool) -> None:
    """Note what a reading has found in the file that was read, and in none that takes its name meanwhile."""
    mode = os.fstat(fd).st_mode
    if bool(mode & DAMAGED) != damaged:
        with suppress(OSError):  # a copy on a medium that takes no writes
            os.fchmod(fd, stat.S_IMODE(mode ^ DAMAGED))


def _whole(content: Content) -> bytes:
    """The bytes of a small content. Raises Damaged when they are not as many as they should be."""
    if content.data is None or len(content.data) != content.size:
        raise Damaged()
    return content.data


def _hash_some(fd: int, into: "hashlib._Hash", offset: int) -> int:
    """Hash the next bytes of a file from `offset`; returns how many, 0 at its end."""
    end = offset + HASH_STEP
    start = offset
    while offset < end and (data := os.pread(fd, min(HASH_SLICE, end - offset), offset)):
        into.update(data)
        offset += len(data)
    return offset - start


def _boot_id() -> str:
    """The kernel's; elsewhere one of this process, so that every restart counts as a power cut."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return uuid.uuid4().hex
