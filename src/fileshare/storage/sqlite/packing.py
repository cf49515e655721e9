"""Packs names for searches: behind the uploads, in units of some milliseconds between theirs.

Nothing depends on it having run: what is in no pack yet, or has changed since, is read
from its row. So an upload pays nothing for searches, and a kill costs nothing either.
"""

import asyncio
import json
from sqlite3 import Connection
from typing import Final

from fileshare.errors import FileshareError, Unavailable
from fileshare.storage.sqlite import orders, packs, tree
from fileshare.storage.sqlite.connection import log
from fileshare.storage.sqlite.database import Database

STALE: Final = 2000
"""Changed entries from which on packs are written anew: so many rows a search reads one by one."""

FOLDERS_TOLD: Final = 32
"""Folders of a pack up to which it tells them, so that a search elsewhere need not read it."""

REVALUED: Final = 100
"""Of so many packed entries one may have another size or time before packs are written anew for it."""

_ENTRIES: Final = (
    "SELECT id, name, folded, parent_id, size, modified FROM entries"
    " WHERE id BETWEEN ?1 AND ?2 AND kind = ?3 ORDER BY name, id"
)
_PUT: Final = "INSERT INTO packs (kind, first, folders, names) VALUES (?1, ?2, ?3, ?4)"
_PUT_ORDER: Final = (
    "INSERT INTO pack_orders (sort, kind, first, low, high, kept) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
)
_MOST: Final = {
    table: f"SELECT (entry_id - 1) / ?1 FROM {table} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"  # noqa: S608
    for table in ("unpacked", "revalued")
}
"""The number of the pack that a table has most entries of."""


class Packer:
    """Packs what is due; a failure is logged, and tried again when more has come."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted = 0
        self._running: asyncio.Task[None] | None = None

    def note(self, entries: int) -> None:
        """So many entries came or changed."""
        self._noted += entries
        if self._noted >= min(packs.SIZE, STALE):
            self.begin()

    def begin(self) -> None:
        """Pack what is due, behind whatever else happens."""
        if self._running is None:
            self._noted = 0
            self._running = asyncio.create_task(self._run())

    async def go_on(self) -> None:
        """Pack all that is due. Raises as `Database.run`."""
        while await self._database.read(is_due):
            await self._database.run(pack_next)

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
    return _new_pack(db) is not None or _stale_pack(db) is not None


def pack_next(db: Connection) -> None:
    """Pack the next entries that are in no pack, or write one pack anew."""
    first = _new_pack(db)
    if first is not None:
        db.execute("UPDATE packing SET upto = ?1", (first + packs.SIZE - 1,))
    else:
        first = _stale_pack(db)
    if first is not None:
        last = first + packs.SIZE - 1
        for kind in (tree.FOLDER, tree.FILE):
            _pack(db, kind, first, last)
        db.execute("DELETE FROM unpacked WHERE entry_id BETWEEN ?1 AND ?2", (first, last))
        db.execute("DELETE FROM revalued WHERE entry_id BETWEEN ?1 AND ?2", (first, last))


def _new_pack(db: Connection) -> int | None:
    """The first id of a pack that can be filled. Ids are never given twice, so none comes later."""
    (upto,) = db.execute("SELECT upto FROM packing").fetchone()
    (newest,) = db.execute("SELECT max(id) FROM entries").fetchone()
    return upto + 1 if newest >= upto + packs.SIZE else None


def _stale_pack(db: Connection) -> int | None:
    """The first id of the pack with most changes, when there are enough in all."""
    (upto,) = db.execute("SELECT upto FROM packing").fetchone()
    for table, enough in (("unpacked", STALE), ("revalued", max(STALE, upto // REVALUED))):
        (changed,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 (constants)
        if changed >= enough:
            (number,) = db.execute(_MOST[table], (packs.SIZE,)).fetchone()
            return int(number) * packs.SIZE + 1
    return None


def _pack(db: Connection, kind: int, first: int, last: int) -> None:
    for table in ("packs", "pack_orders"):
        db.execute(f"DELETE FROM {table} WHERE kind = ?1 AND first = ?2", (kind, first))  # noqa: S608
    rows = db.execute(_ENTRIES, (first, last, kind)).fetchall()
    if not rows:
        return
    folders = {row[3] for row in rows}
    told = json.dumps(sorted(folders - {None})) if len(folders) <= FOLDERS_TOLD else None
    names = packs.pack(first, ((entry_id, name, folded) for entry_id, name, folded, *_ in rows))
    db.execute(_PUT, (kind, first, told, names))
    sizes, times = [row[4] for row in rows], [row[5] for row in rows]
    for sort, values in (("modified", times), *([("size", sizes)] if kind == tree.FILE else ())):
        kept = orders.order(names, values)
        db.execute(_PUT_ORDER, (sort, kind, first, min(values), max(values), kept))
