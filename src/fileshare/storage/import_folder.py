"""A local folder that an import reads: files and folders, links and devices only by name.

Never follows a link, so an import takes what lies in the folder and nothing else.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fileshare.errors import NotFound
from fileshare.services.imports import Found

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""O_NONBLOCK: a pipe put in a file's place since the scan must not hang the import."""

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class ImportFolder:
    """Fills `services.imports.Origin`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def scan(self) -> AsyncIterator[Found]:
        """Everything in it by name, a folder before its content.

        Raises NotFound when there is no such folder.
        """
        waiting = [""]
        while waiting:
            found = await asyncio.to_thread(self._scan_one, waiting.pop())
            for one in found:
                yield one
            waiting.extend(one.path for one in reversed(found) if one.kind == "folder")

    def _scan_one(self, path: str) -> Sequence[Found]:
        try:
            names = sorted(os.listdir(self._root / path))  # noqa: PTH208 (names only, thousands of them)
        except OSError as error:
            if not path:
                raise NotFound(f"The folder {self._root} can't be read: {error.strerror}.") from error
            return [Found(path, f"a folder that can't be read ({error.strerror})")]
        return [self._look_at(f"{path}/{name}" if path else name) for name in names]

    def _look_at(self, path: str) -> Found:
        try:
            there = (self._root / path).lstat()
        except OSError as error:
            return Found(path, f"something that can't be read ({error.strerror})")
        kind = KINDS.get(stat.S_IFMT(there.st_mode), "something else than a file")
        return Found(path, kind, there.st_size, there.st_mtime_ns // 1_000_000)

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator["ImportedFile"]:
        """Open a file that `scan` found. Raises NotFound when that is not possible any more."""
        file = await asyncio.to_thread(ImportedFile, self._root / path)
        try:
            yield file
        finally:
            file.close()


class ImportedFile:
    """Fills `services.imports.Reading`."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, READ)
        except OSError as error:
            raise NotFound(f"It can't be read: {error.strerror}.") from error
        self._before = os.fstat(self._fd)
        self._error: OSError | None = None

    async def read(self, limit: int) -> bytes:
        """The next bytes, empty at the end, also where the disk refuses: `unchanged` tells that then."""
        return await asyncio.to_thread(self._read, limit)

    def _read(self, limit: int) -> bytes:
        try:
            return os.read(self._fd, limit)
        except OSError as error:
            self._error = error
            return b""

    async def unchanged(self) -> bool:
        """Whether size and times are still what they were when it was opened.

        Raises NotFound when it could not be read.
        """
        if self._error is not None:
            raise NotFound(f"It can't be read: {self._error.strerror}.") from self._error
        now, before = os.fstat(self._fd), self._before
        return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (
            before.st_size,
            before.st_mtime_ns,
            before.st_ctime_ns,
        )

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)
