"""Plain files out of the store: `fileshare export`.

What goes out is hashed again before it gets its name, and nothing that is there
already is ever replaced, so an export can be interrupted and run again.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from fileshare.domain.model import Entry, File, Folder
from fileshare.errors import Conflict, Damaged, IntegrityError, NotFound
from fileshare.services.ports import Blobs, Catalog, Sink
from fileshare.services.tally import OnProgress, Problem, Progress, Tally

PAGE = 500
"""Entries asked of the catalog at a time."""


class State(StrEnum):
    """What an export finds at a path of its target."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"


class NewFile(Sink, Protocol):
    """A file of an export while it is filled; it has no name yet."""

    async def digest(self) -> str:
        """The SHA-256 of what was written, read back; hex."""
        ...

    async def keep(self, modified: int) -> None:
        """Give it its name and its time, milliseconds. Without this it vanishes."""
        ...


class Target(Protocol):
    """The local folder that an export fills; paths are ours, and never lead out of it."""

    async def make_folder(self, path: str) -> None:
        """Make a folder. Raises Conflict where something else, also a link, stands in the way."""
        ...

    async def state(self, path: str, size: int, digest: str) -> State:
        """Whether nothing, the same content or something else lies there."""
        ...

    def new_file(self, path: str) -> AbstractAsyncContextManager[NewFile]:
        """A file to fill, next to where it will stand."""
        ...

    async def sync(self) -> None:
        """Make all of it durable."""
        ...


class Export:
    """The current version of every file, as plain files with their times."""

    def __init__(self, catalog: Catalog, blobs: Blobs, target: Target) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._target = target

    async def run(self, on_progress: OnProgress) -> Tally:
        """Write everything; what can't be written is named in the tally and the rest goes on.

        Durable on return. Raises NoSpace and StorageFailed, with what was written kept.
        """
        tally = Tally()
        total = await self._catalog.count_files()
        async for entry in _everything(self._catalog):
            on_progress(Progress(tally.files + tally.already_there, total, tally.size, entry.path))
            try:
                await self._write(entry, tally)
            except (Conflict, IntegrityError) as error:
                tally.problems.append(Problem(entry.path, error.message))
            except NotFound:
                pass  # deleted while the export ran
        await self._target.sync()
        return tally

    async def _write(self, entry: Entry, tally: Tally) -> None:
        if isinstance(entry, Folder):
            await self._target.make_folder(entry.path)
            return
        version = entry.version
        state = await self._target.state(entry.path, version.size, version.digest)
        if state is State.OTHER:
            raise Conflict("Something else is there already; it was left as it is.")
        if state is State.SAME:
            tally.already_there += 1
            return
        await self._fill(entry)
        tally.files += 1
        tally.size += version.size

    async def _fill(self, file: File) -> None:
        content = await self._catalog.content(file.version.digest)
        async with self._target.new_file(file.path) as new:
            await self._blobs.send(content, 0, content.size, new)
            if await new.digest() != content.digest:
                raise Damaged()
            await new.keep(file.version.modified)


async def _everything(catalog: Catalog) -> AsyncIterator[Entry]:
    cursor: str | None = None
    while True:
        page = await catalog.walk("", PAGE, cursor)
        for entry in page.entries:
            yield entry
        if (cursor := page.next) is None:
            return
