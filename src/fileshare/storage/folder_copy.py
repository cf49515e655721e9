"""A data folder that becomes a copy of another one, also of one that a server is using.

Only the database's name makes it a data folder, and that comes last: an interrupted
copy can't be taken for a whole one, and can be gone on with.
"""

import asyncio
import errno
import os
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from fileshare.domain.model import Upload
from fileshare.errors import Conflict, Damaged, NotFound
from fileshare.services.ports import Content
from fileshare.storage.clone import clone, copy_range
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.failures import translated
from fileshare.storage.folder import sync_folder
from fileshare.storage.sqlite import connection
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.reading import ReadingDatabase

DATABASE = "fileshare.db"
UNNAMED = "fileshare.db.copying"
SETTINGS = "fileshare.toml"
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC

SPARE_DESCRIPTORS = 64
"""Left to everything else while parts are held open."""


class FolderCopy:
    """Fills `services.backup.Copy`."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._parts: dict[str, int] = {}

    async def begin(self) -> None:
        """Take the target, and hold on to the source's parts: they may be finished meanwhile.

        Raises NotFound when the source is no data folder, and Conflict unless the target
        is absent, empty, or the rest of an interrupted copy.
        """
        await asyncio.to_thread(self._begin)

    def _begin(self) -> None:
        if not (self._source / DATABASE).is_file():
            raise NotFound(f"{self._source} is no data folder of fileshare: it has no {DATABASE}.")
        with _told():
            self._take_target()
            for folder in ("blobs", "uploads"):
                (self._target / folder).mkdir(mode=0o700, exist_ok=True)
        self._hold_parts()

    def _take_target(self) -> None:
        try:
            self._target.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            if not self._target.is_dir():
                raise Conflict(f"{self._target} is no folder.") from None
            there = {path.name for path in self._target.iterdir()}
            if there and (UNNAMED not in there or DATABASE in there):
                raise Conflict(f"{self._target} is not empty: name a new folder or an empty one.") from None
        (self._target / UNNAMED).touch(mode=0o600)

    def _hold_parts(self) -> None:
        """Open all that fit; a part that is renamed or removed later can still be read."""
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(FileNotFoundError):
            for path in (self._source / "uploads").glob("*.part"):
                if len(self._parts) >= soft - SPARE_DESCRIPTORS:
                    return
                with suppress(FileNotFoundError):
                    self._parts[path.stem] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the source's parts."""
        while self._parts:
            os.close(self._parts.popitem()[1])

    async def database(self) -> None:
        """Copy the database as it is at one moment. Raises Unavailable for one of another format."""
        source = ReadingDatabase(self._source / DATABASE)
        await source.open()
        try:
            await source.copy(self._target / UNNAMED)
        finally:
            await source.close()

    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[SqliteCatalog, DiskBlobs]]:
        """The stores of the copy, to be read."""
        database = ReadingDatabase(self._target / UNNAMED)
        await database.open()
        try:
            blobs = DiskBlobs(self._target)
            await blobs.open()
            try:
                yield SqliteCatalog(database), blobs
            finally:
                await blobs.close()
        finally:
            await database.close()

    async def blob(self, content: Content) -> None:
        """Copy a blob that is not there yet; one that can't be read is left out."""
        await asyncio.to_thread(self._blob, content.digest, content.size)

    def _blob(self, digest: str, size: int) -> None:
        name = Path("blobs") / digest[:2] / digest
        target = self._target / name
        with _told(), suppress(FileNotFoundError):
            source = os.open(self._source / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if not (target.is_file() and target.stat().st_size == size):
                    target.parent.mkdir(mode=0o700, exist_ok=True)
                    _copy(source, target, os.fstat(source).st_size)
            finally:
                os.close(source)

    async def part(self, upload: Upload) -> None:
        """Copy an upload's bytes up to its offset, from its blob where it is one by now."""
        await asyncio.to_thread(self._part, upload)

    def _part(self, upload: Upload) -> None:
        target = self._target / "uploads" / f"{upload.id}.part"
        with _told(), suppress(FileNotFoundError):
            source = self._open_part(upload)
            try:
                _copy(source, target, min(upload.offset, os.fstat(source).st_size))
            finally:
                os.close(source)

    def _open_part(self, upload: Upload) -> int:
        held = self._parts.pop(upload.id, None)
        if held is not None:
            return held
        with suppress(FileNotFoundError):
            return os.open(self._source / "uploads" / f"{upload.id}.part", os.O_RDONLY | os.O_CLOEXEC)
        digest = upload.found_digest or upload.digest
        if digest is None:
            raise FileNotFoundError
        return os.open(self._source / "blobs" / digest[:2] / digest, os.O_RDONLY | os.O_CLOEXEC)

    async def finish(self) -> None:
        """Make all of it durable and give the database its name: now it is a data folder."""
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        unnamed = self._target / UNNAMED
        with _told():
            with closing(sqlite3.connect(unnamed, isolation_level=None)) as database:
                # One file, without the log beside it: it can lie on a disk that is only read.
                database.execute("PRAGMA journal_mode = DELETE")
            with suppress(FileNotFoundError), (self._source / SETTINGS).open("rb") as settings:
                _copy(settings.fileno(), self._target / SETTINGS, os.fstat(settings.fileno()).st_size)
            os.sync()
            unnamed.rename(self._target / DATABASE)
            sync_folder(self._target)


def _copy(source: int, path: Path, count: int) -> None:
    """The first `count` bytes of an open file as a file of that name, or nothing of that name."""
    unfinished = path.with_name(path.name + ".copying")
    target = os.open(unfinished, NEW_FILE, 0o600)
    try:
        if count != os.fstat(source).st_size or not clone(source, target):
            copy_range(source, target, 0, count)
        unfinished.rename(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        if error.errno != errno.EIO:
            raise
        # One bad sector must not end the copy of everything else; the check at the end names it.
    except Damaged:
        unfinished.unlink(missing_ok=True)
    finally:
        os.close(target)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise translated(error) from error
    except sqlite3.Error as error:
        raise connection.translated(error) or error from error
