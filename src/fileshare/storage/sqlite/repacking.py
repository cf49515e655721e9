"""Packs written anew: sixteen as a large one, and those of which much has changed.

That takes half a second, so a pack is made ready by a connection that reads, while
others write; what changed meanwhile stays noted as changed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from sqlite3 import Connection
from typing import Any, Final

from fileshare.storage.sqlite import columns, orders, packs

STALE: Final = 2000
"""Changed entries from which on packs are written anew: so many rows a search reads one by one."""

REVALUED: Final = 100
"""Of so many packed entries one may have another size or time before packs are written anew for it."""

FOLDERS_TOLD: Final = 1024
"""Folders of a pack up to which it tells them, so that a search elsewhere need not read it."""

PARENTS: Final = "q"
STARTS: Final = "I"
"""The `array` codes of those columns: the folder of each entry by its number, and where each line begins."""

_ENTRIES: Final = (
    "SELECT kind, id, name, folded, parent_id, size, modified FROM entries"
    " WHERE id BETWEEN ?1 AND ?2 ORDER BY kind, name, id"
)
_NOTED: Final = (
    "SELECT o.entry_id, e.kind, e.name, e.parent_id, e.size, e.modified FROM ("
    "SELECT entry_id FROM unpacked WHERE entry_id BETWEEN ?1 AND ?2 UNION"
    " SELECT entry_id FROM revalued WHERE entry_id BETWEEN ?1 AND ?2"
    ") AS o LEFT JOIN entries AS e ON e.id = o.entry_id"
)
_MOST: Final = (
    "SELECT CASE WHEN entry_id <= :large THEN (entry_id - 1) / :most * :most"
    " ELSE (entry_id - 1) / :least * :least END"
    " FROM {} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
)
"""The last id before the pack that a table has most entries of."""

_PUT: Final = (
    "INSERT INTO packs (kind, first, folders, least_size, greatest_size, least_modified, greatest_modified)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
)
_PUT_COLUMN: Final = "INSERT INTO pack_columns (pack, name, kept) VALUES (?1, ?2, ?3)"
_GONE: Final = "SELECT id FROM packs WHERE first BETWEEN ?1 AND ?2"


@dataclass(frozen=True, slots=True)
class NewPack:
    """The row of a pack from its kind on, and its columns."""

    row: Sequence[object]
    columns: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Range:
    """The packs of the ids of a range, and what was noted as changed when their rows were read."""

    first: int
    last: int
    packs: Sequence[NewPack]
    noted: Sequence[tuple[Any, ...]]


def make_ready(db: Connection) -> Range | None:
    """What is to be written anew next, from one state of the rows."""
    upto, large = db.execute("SELECT upto, large FROM packing").fetchone()
    if upto >= large + packs.LARGE:
        return packed(db, large + 1, large + packs.LARGE)
    for table, enough in (("unpacked", STALE), ("revalued", max(STALE, upto // REVALUED))):
        (changed,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 (constants)
        if changed >= enough:
            values = {"large": large, "most": packs.LARGE, "least": packs.SIZE}
            (before,) = db.execute(_MOST.format(table), values).fetchone()
            return packed(db, before + 1, before + (packs.LARGE if before < large else packs.SIZE))
    return None


def replace(db: Connection, ready: Range) -> None:
    """Write a range in place of the packs that told it; only one range at a time may be under way."""
    now = set(db.execute(_NOTED, (ready.first, ready.last)))
    for row in ready.noted:
        if row in now:
            for table in ("unpacked", "revalued"):
                db.execute(f"DELETE FROM {table} WHERE entry_id = ?1", (row[0],))  # noqa: S608 (constants)
    write(db, ready)
    if ready.last - ready.first + 1 == packs.LARGE:
        db.execute("UPDATE packing SET large = max(large, ?1)", (ready.last,))


def write(db: Connection, ready: Range) -> None:
    """Write the packs of a range, and let those go that stood there."""
    for gone in db.execute(_GONE, (ready.first, ready.last)).fetchall():
        db.execute("DELETE FROM packs WHERE id = ?1", gone)
        db.execute("DELETE FROM pack_columns WHERE pack = ?1", gone)
    for pack in ready.packs:
        pack_id = db.execute(_PUT, pack.row).lastrowid
        db.executemany(_PUT_COLUMN, [(pack_id, name, kept) for name, kept in pack.columns.items()])


def packed(db: Connection, first: int, last: int) -> Range:
    """The packs of a range, as its rows are."""
    rows = db.execute(_ENTRIES, (first, last)).fetchall()
    return Range(first, last, list(_packs(rows, first)), db.execute(_NOTED, (first, last)).fetchall())


def _packs(rows: Sequence[tuple[Any, ...]], first: int) -> Iterator[NewPack]:
    """A pack for each kind."""
    for kind, of_kind in groupby(rows, key=lambda row: row[0]):
        _, ids, names, folded, folders, sizes, times = zip(*of_kind, strict=True)
        told = sorted(set(folders) - {None})
        text = json.dumps(told) if len(told) <= FOLDERS_TOLD else None
        row = (kind, first, text, min(sizes), max(sizes), min(times), max(times))
        packed = packs.pack(first, zip(ids, names, folded, strict=True))
        yield NewPack(
            row,
            {
                "names": packed,
                "starts": columns.to_bytes(STARTS, packs.starts(packed)),
                "parents": columns.to_bytes(PARENTS, _parents(first, ids, folders)),
                "size": orders.order(sizes),
                "modified": orders.order(times),
            },
        )


def _parents(first: int, ids: Sequence[int], folders: Sequence[int | None]) -> Sequence[int]:
    """The folder of each entry by its number, 0 where there is none."""
    parents = [0] * (max(ids) - first + 1)
    for entry_id, folder in zip(ids, folders, strict=True):
        parents[entry_id - first] = folder or 0
    return parents
