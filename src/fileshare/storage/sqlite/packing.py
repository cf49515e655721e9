"""Packs names for searches: behind the uploads, in units of some milliseconds between theirs.

Nothing depends on it having run: what is in no pack yet, or has changed since, is read
from its row. So an upload pays nothing for searches, and a kill costs nothing either.
"""

import asyncio
from sqlite3 import Connection

from fileshare.errors import FileshareError, Unavailable
from fileshare.storage.sqlite import packs, repacking
from fileshare.storage.sqlite.connection import log
from fileshare.storage.sqlite.database import Database


class Packer:
    """Packs what is due; a failure is logged, and tried again when more has come."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted = 0
        self._running: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def note(self, entries: int) -> None:
        """So many entries came or changed."""
        self._noted += entries
        if self._noted >= min(packs.SIZE, repacking.STALE):
            self.begin()

    def begin(self) -> None:
        """Pack what is due, behind whatever else happens."""
        if self._running is None:
            self._noted = 0
            self._running = asyncio.create_task(self._run())

    async def go_on(self) -> None:
        """Pack all that is due: first what is in no pack yet. Raises as `Database.run`."""
        async with self._lock:  # a pack that was made ready is written before another is
            while True:
                while await self._database.read(is_due):
                    await self._database.run(pack_next)
                ready = await self._database.read(repacking.make_ready)
                if ready is None:
                    return
                await self._database.run(repacking.replace, ready)

    async def _run(self) -> None:
        try:
            await self.go_on()
        except Unavailable:
            pass  # the server stops, or said already why it writes no more
        except FileshareError as error:
            log.warning("names could not be packed: %s", error.message)
        finally:
            self._running = None


def is_due(db: Connection) -> bool:
    """Whether `pack_next` has something to do."""
    return _next(db) is not None


def pack_next(db: Connection) -> None:
    """Pack the next entries that are in no pack."""
    first = _next(db)
    if first is not None:
        last = first + packs.SIZE - 1
        repacking.write(db, repacking.packed(db, first, last))
        db.execute("UPDATE packing SET upto = ?1", (last,))


def _next(db: Connection) -> int | None:
    """The first id of a pack that can be filled. Ids are never given twice, so none comes later."""
    (upto,) = db.execute("SELECT upto FROM packing").fetchone()
    (newest,) = db.execute("SELECT max(id) FROM entries").fetchone()
    return upto + 1 if newest >= upto + packs.SIZE else None
