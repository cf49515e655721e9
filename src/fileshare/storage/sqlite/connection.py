"""One SQLite connection in a thread of its own, and what its errors mean.

The only code that knows aiosqlite's inside: it has no public way to run a whole
function in the connection's thread, and statements sent one by one could be split
by a cancelled caller, or share a transaction with another's.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from fileshare.errors import FileshareError, NoSpace, StorageFailed, Unavailable

T = TypeVar("T")

log = logging.getLogger("fileshare.database")
logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # its debug lines hold whole functions and values

BUSY_MS = 5000
"""How long to wait for another program that holds the database, milliseconds."""

STATEMENTS = 256
"""Compiled statements that a connection keeps: all of ours."""

_FAILED = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOMEM,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Connection(aiosqlite.Connection):
    """A connection whose thread runs whole functions. `pending` counts those that wait or run."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        super().__init__(connect, iter_chunk_size=64)
        self._thread.name = name
        self._thread.daemon = True  # a command that fails half-way must still be able to exit
        self.pending = 0

    async def open(self) -> None:
        """Start the thread and connect in it. Raises what `connect` raises, with the thread ended."""
        try:
            await self
        except BaseException:
            await asyncio.to_thread(self._thread.join)
            raise

    async def call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` in the thread. A caller that is cancelled does not stop it."""
        self.pending += 1
        try:
            return await self._call(function)
        finally:
            self.pending -= 1

    async def _call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        execute: Any = self._execute  # untyped in aiosqlite
        result: T = await execute(lambda: function(self._conn))
        return result


def connect(path: Path, *, cache_kib: int) -> sqlite3.Connection:
    """A connection with everything set that holds for all of ours. Transactions are begun by hand.

    `synchronous=FULL`: WAL with NORMAL lost every one of 50 acknowledged commits at a
    power cut. No automatic checkpoints: SQLite keeps the errors of those to itself.
    """
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=STATEMENTS)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        # Debian's SQLite writes zeros over what is deleted: a purge would first need the room that it frees.
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    except BaseException:
        connection.close()
        raise
    return connection


def translated(error: sqlite3.Error) -> FileshareError | None:
    """What an error of SQLite is to a caller; None where it can only be a fault of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoSpace("The server's disk is full: nothing was changed.")
    if code in _FAILED:
        return StorageFailed("The server's database reported an error; nothing behind it was acknowledged.")
    if code in _BUSY:
        return Unavailable("Another program holds the server's database: try again later.")
    return None
