"""The database file: one connection that writes, a few that read, and nothing half done.

A unit is a plain function of a `sqlite3.Connection` that runs whole in that
connection's thread, inside one transaction. What `run` returned is durable. After an
error of the disk nothing more is written until the database has been opened anew, which
it tries by itself: a sync that failed can falsely succeed when it is tried again.
"""

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from fileshare.errors import Unavailable
from fileshare.services.meters import Histogram
from fileshare.storage import failures
from fileshare.storage.sqlite import migrating, wal
from fileshare.storage.sqlite.comeback import Comeback, is_damage
from fileshare.storage.sqlite.connection import Connection, connect, log, translated
from fileshare.storage.sqlite.copying import copy_database, sync_path
from fileshare.storage.sqlite.transactions import Job, read_transaction, write_transaction
from fileshare.storage.sqlite.wal import WriteAheadLog

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[Concatenate[sqlite3.Connection, P], T]

READERS = 2
"""Connections that read: a long search on one leaves the other to those who list."""

WRITER_CACHE_KIB = 32 * 1024
READER_CACHE_KIB = 8 * 1024
"""Page caches, filled as far as they are needed. Behind them is the kernel's: more would be kept twice."""

KEPT_FREE = 1024
"""Pages that hold nothing and are kept for what comes next, 4 MiB: most days need no shrinking."""

SHRINK_STEP = 1024
"""Pages given back in one transaction, some tens of milliseconds."""

STOPPED = "The server's database takes no writes now, and its log says why: try again later."


class Database:
    """The file at `path`, opened by one process at a time (the data folder's lock sees to that)."""

    def __init__(self, path: Path, migrations: Path = migrating.FOLDER) -> None:
        self._path = path
        self._log = WriteAheadLog(path)
        self._migrations = migrations
        self._writer: Connection | None = None
        self._readers: list[Connection] = []
        self._waiting: deque[Job] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._stopped = False
        self._comeback = Comeback(self._open_writer_anew)
        self.latencies = {"read": Histogram(), "write": Histogram()}
        """How long callers waited, queueing and the commit's sync included."""

    @property
    def writable(self) -> bool:
        """Whether it is open and has met no error that stops writes."""
        return self._writer is not None and not self._stopped

    async def open(self) -> None:
        """Create the file or bring its format up to date, and take units.

        Raises Unavailable for a database that is newer than this code or not ours,
        NoSpace and StorageFailed.
        """
        try:
            self._writer = await self._open_writer()
            for number in range(READERS):
                reader = Connection(self._connect_reader, f"database-reader-{number}")
                await reader.open()
                self._readers.append(reader)
        except (sqlite3.Error, OSError) as error:
            await self.close()
            log.error("the database can't be opened: %s", error)
            known = failures.translated(error) if isinstance(error, OSError) else translated(error)
            raise known or error from error
        self._stopped = False

    async def _open_writer(self) -> Connection:
        writer = Connection(self._connect_writer, "database-writer")
        await writer.open()
        return writer

    async def _open_writer_anew(self) -> None:
        """Those who read stay: what they see is what was committed, and no less. Raises `REFUSALS`.

        The old connection is closed first: only one may write or move the log.
        """
        old, self._writer = self._writer, None
        if old is not None:
            with suppress(sqlite3.Error):
                await old.close()
        writer = await self._open_writer()
        try:
            await writer.call(_prove)
        except BaseException:
            await writer.close()
            raise
        self._writer, self._stopped = writer, False

    def _connect_writer(self) -> sqlite3.Connection:
        """In the writer's thread: the file, its format, and a log that has been moved into it.

        The log is emptied first because its last sync may be the one that failed
        before; what a checkpoint has synced into the database is beyond doubt.
        """
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            sync_path(self._path.parent)
        connection = connect(self._path, cache_kib=WRITER_CACHE_KIB)
        try:
            if not self._path.stat().st_size:  # later it would rewrite the whole file
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise Unavailable(f"The file system of {self._path} can't hold a database that is shared.")
            connection.execute(f"PRAGMA journal_size_limit = {wal.KEPT}")
            connection.execute("PRAGMA foreign_keys = OFF")
            migrating.migrate(connection, self._path, migrating.load(self._migrations))
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = connect(self._path, cache_kib=READER_CACHE_KIB)
        try:
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Finish what waits, move the log into the database, and let go. Safe to call twice."""
        await self._comeback.end()
        if self._draining is not None:
            await asyncio.wait([self._draining])
        writer, self._writer = self._writer, None
        readers, self._readers = self._readers, []
        for reader in readers:
            await reader.close()
        if writer is not None:
            await writer.close()

    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(connection, …)` in a write transaction; what it did is durable on return.

        Units that wait for the disk together share a commit, each undone by itself where
        it raises. A caller that is cancelled neither stops nor splits its unit. Raises
        what the unit raises, NoSpace (nothing was changed), StorageFailed (it is not
        acknowledged, and the database takes no more writes), and Unavailable after that.
        """
        if not self.writable:
            raise Unavailable(STOPPED)

        def bound(connection: sqlite3.Connection) -> T:
            return unit(connection, *args, **kwargs)

        job = Job(_name(unit), bound, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        started = time.perf_counter()
        try:
            result: T = await job.future
        finally:
            self.latencies["write"].add(time.perf_counter() - started)
        return result

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(connection, …)` on one unchanging state, which holds every `run` that has returned.

        Raises what the unit raises, StorageFailed, and Unavailable when the database is not open.
        """
        if not self._readers:
            raise Unavailable("The server's database is closed.")
        reader = min(self._readers, key=lambda connection: connection.pending)

        def bound(connection: sqlite3.Connection) -> T:
            return unit(connection, *args, **kwargs)

        started = time.perf_counter()
        try:
            return await reader.call(partial(read_transaction, _name(unit), bound))
        finally:
            self.latencies["read"].add(time.perf_counter() - started)

    async def copy(self, target: Path) -> None:
        """Write a consistent copy of everything committed to `target`, while writes go on.

        Complete and durable under that name on return; a failure leaves no such file.
        """
        try:
            await self.read(copy_database, target)
        except OSError as error:
            raise failures.translated(error) from error

    async def shrink(self) -> bool:
        """Give pages that hold nothing back to the disk, some at a time; True while there are more.

        Durable, and the file is shorter, soon after return. Raises as `run`.
        """
        if await self.read(_free_pages) <= KEPT_FREE:
            return False
        return await self.run(self._give_back) > KEPT_FREE

    def _give_back(self, connection: sqlite3.Connection) -> int:
        """Shorten the database by some pages; returns how many still hold nothing.

        A file from before this could be asked of it stays as it is, and tells that none are left.
        """
        before = _free_pages(connection)
        for _ in range(min(before, SHRINK_STEP)):
            # One page each: Python's sqlite3 ends this pragma after the first, whatever number it is given.
            connection.execute("PRAGMA incremental_vacuum(1)")
        left = _free_pages(connection)
        self._log.ask()  # only a checkpoint makes the file itself shorter
        return left if left < before else 0

    async def _drain(self) -> None:
        """The only task that uses the writer: one transaction after the other while units wait."""
        try:
            while self._waiting and self._writer is not None:
                outcome = await self._writer.call(partial(write_transaction, self._waiting))
                self._stopped = self._stopped or outcome.stop  # before anyone hears of it
                for job in outcome.jobs:
                    job.settle()
                if outcome.stop:
                    self._stop(comes_back=not outcome.damaged)
                elif self._log.is_due():
                    await self._checkpoint(self._writer)
        finally:
            self._draining = None

    def _stop(self, *, comes_back: bool) -> None:
        log.critical("an error of the disk: the database takes no more writes until it is opened anew")
        self._stopped = True
        if comes_back:
            self._comeback.begin()
        while self._waiting:
            job = self._waiting.popleft()
            job.error = Unavailable(STOPPED)
            job.settle()

    async def _checkpoint(self, writer: Connection) -> None:
        """Move the log into the database, on the connection that writes and after the replies.

        On no other: with a checkpoint and a commit on two connections, SQLite before 3.51.3
        can lose pages (its "WAL-reset bug"). An error stops writes: a checkpoint's sync
        must not be tried again either.
        """
        try:
            await writer.call(partial(_checkpoint, mode=self._log.mode()))
        except sqlite3.Error as error:
            log.error("the database's log could not be moved into it: %s", error)
            self._stop(comes_back=not is_damage(error))


def _prove(connection: sqlite3.Connection) -> None:
    """Write something that changes nothing: a commit with all its syncs. Raises sqlite3.Error."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def _checkpoint(connection: sqlite3.Connection, mode: str) -> None:
    connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()


def _free_pages(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages)


def _name(unit: Callable[..., Any]) -> str:
    """What a unit is called in the log; its arguments are values and stay out of it."""
    inner = unit.func if isinstance(unit, partial) else unit
    name = getattr(inner, "__qualname__", type(inner).__qualname__)
    return f"{inner.__module__.rpartition('.')[2]}.{name}"
