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
        self.root = root

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
            names = sorted(os.listdir(self.root / path))  # noqa: PTH208 (names only, thousands of them)
        except OSError as error:
            if not path:
                raise NotFound(f"The folder {self.root} can't be read: {error.strerror}.") from error
            return [Found(path, f"a folder that can't be read ({error.strerror})")]
        return [self._look_at(f"{path}/{name}" if path else name) for name in names]

    def _look_at(self, path: str) -> Found:
        try:
            there = (self.root / path).lstat()
        except OSError as error:
            return Found(path, f"something that can't be read ({error.strerror})")
        kind = KINDS.get(stat.S_IFMT(there.st_mode), "something else than a file")
        return Found(path, kind, there.st_size, there.st_mtime_ns // 1_000_000)

    @asynccontextmanager
    async def open(self, found: Found) -> AsyncIterator["ImportedFile"]:
        """Open a file that `scan` found. Raises NotFound when that is not possible any more."""
        file = await asyncio.to_thread(ImportedFile, self.root / found.path, found)
        try:
            yield file
        finally:
            file.close()


class ImportedFile:
    """Fills `services.imports.Reading`."""

    def __init__(self, path: Path, found: Found) -> None:
        self._found = found
        try:
            self._fd = os.open(path, READ)
        except OSError as error:
            raise NotFound(f"It can't be read: {error.strerror}.") from error
        there = os.fstat(self._fd)
        self._times = there.st_mtime_ns, there.st_ctime_ns
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
        """Whether it is still what was found, and was not touched since it was opened.

        Raises NotFound when it could not be read.
        """
        if self._error is not None:
            raise NotFound(f"It can't be read: {self._error.strerror}.") from self._error
        now = os.fstat(self._fd)
        as_found = (now.st_size, now.st_mtime_ns // 1_000_000) == (self._found.size, self._found.modified)
        return as_found and (now.st_mtime_ns, now.st_ctime_ns) == self._times

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)
