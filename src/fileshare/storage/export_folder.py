"""A local folder that an export fills with plain files.

A path never leads out of it, also not through a link that lies there, and nothing
that lies there is replaced.
"""

import asyncio
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from fileshare.errors import Conflict, NoSpace, StorageFailed
from fileshare.services.exports import State
from fileshare.services.ports import OpenFile
from fileshare.storage.clone import clone, copy_range

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FULL = (errno.ENOSPC, errno.EDQUOT)
BROKEN = (errno.EIO, errno.EROFS, errno.ENODEV, errno.ESTALE)


@contextmanager
def _told() -> Iterator[None]:
    """What the disk says, in our words: full and broken end an export, anything else only this file."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace("The disk that is exported to is full; what was written is kept.") from error
        if error.errno in BROKEN:
            raise StorageFailed(f"The disk that is exported to failed: {error.strerror}.") from error
        raise Conflict(f"It can't be written there: {error.strerror}.") from error


class ExportFolder:
    """Fills `services.exports.Target`."""

    def __init__(self, root: Path) -> None:
        """`root` is made when it is missing."""
        self._root = root
        self._made: set[str] = set()

    async def make_folder(self, path: str) -> None:
        """Make a folder and those above it. Raises Conflict where something else, also a link, is."""
        await asyncio.to_thread(self._make_folder, path)

    def _make_folder(self, path: str) -> None:
        with _told():
            self._root.mkdir(parents=True, exist_ok=True)
            above = ""
            for name in path.split("/") if path else ():
                above = f"{above}/{name}" if above else name
                if above not in self._made:
                    _make_one(self._root / above)
                    self._made.add(above)

    async def state(self, path: str, size: int, digest: str) -> State:
        """Whether nothing, the same content or something else lies there."""
        return await asyncio.to_thread(self._state, path, size, digest)

    def _state(self, path: str, size: int, digest: str) -> State:
        self._make_folder(path.rpartition("/")[0])
        target = self._root / path
        with _told():
            try:
                there = target.lstat()
            except FileNotFoundError:
                return State.ABSENT
            if not stat.S_ISREG(there.st_mode) or there.st_size != size:
                return State.OTHER
            return State.SAME if _digest_of(target) == digest else State.OTHER

    @asynccontextmanager
    async def new_file(self, path: str) -> AsyncIterator["ExportedFile"]:
        """A file to fill; it has its name only after `keep`."""
        target = self._root / path
        file = await asyncio.to_thread(ExportedFile, target)
        try:
            yield file
        finally:
            await asyncio.to_thread(file.close)

    async def sync(self) -> None:
        """Make all of it durable."""
        await asyncio.to_thread(os.sync)


def _make_one(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise Conflict("Something that is no folder is there already; it was left as it is.") from None


class ExportedFile:
    """Fills `services.exports.NewFile`: a nameless-looking file beside its target until it is kept."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.parent / f".fileshare-export-{secrets.token_hex(8)}"
        self._kept = False
        with _told():
            self._fd = os.open(self._path, NEW_FILE, 0o666)

    async def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        with _told():
            while view:
                view = view[os.write(self._fd, view) :]

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Take `count` bytes of an open file: all of it by reflink where that works, else a copy."""
        await asyncio.to_thread(self._take, file.fileno(), offset, count)

    def _take(self, source: int, offset: int, count: int) -> None:
        with _told():
            whole = offset == 0 and count == os.fstat(source).st_size
            if not (whole and os.fstat(self._fd).st_size == 0 and clone(source, self._fd)):
                copy_range(source, self._fd, offset, count)

    async def digest(self) -> str:
        """The SHA-256 of what was written, read back."""
        return await asyncio.to_thread(_digest_of, self._path)

    async def keep(self, modified: int) -> None:
        """Give it its name and its time, milliseconds."""
        await asyncio.to_thread(self._keep, modified)

    def _keep(self, modified: int) -> None:
        with _told():
            os.utime(self._fd, ns=(modified * 1_000_000, modified * 1_000_000))
            self._path.rename(self._target)
        self._kept = True

    def close(self) -> None:
        """Let go; what was not kept vanishes."""
        os.close(self._fd)
        if not self._kept:
            self._path.unlink(missing_ok=True)


def _digest_of(path: Path) -> str:
    with _told(), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
