"""Searches: pages of what matches below a folder, in order, from packed names (see `packs`).

Every way to the answer gives the same one; they differ in what they read:
- few names below the folder: each name's row;
- by name: every pack, up to the name where it can no longer add to the page;
- by size or time: every pack, then the rows of what matches, where that is little;
- otherwise, the whole table. No page of anything that people type often ends there.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from fileshare.services.ports import Listing
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import packs, tree
from fileshare.storage.sqlite.keyset import SORTED_BY, keyset
from fileshare.storage.sqlite.packs import Named
from fileshare.storage.sqlite.scope import Scope

FEW_NAMES: Final = 10_000
"""Names below a folder up to which their rows are read: some 15 ms."""

FEW_HITS: Final = 2_000
"""Matches up to which all of their rows are read to be put in order: some 10 ms."""

MISSES: Final = 5_000
"""Matches that lie elsewhere after which it is quicker to read the names below the folder."""

STRETCH: Final = 1_000
"""Rows of a table that are put in order at a time."""

_COUNT: Final = (
    f"{tree.FOLDERS_BELOW} SELECT count(*) FROM (SELECT 1 FROM folders"  # noqa: S608 (constants)
    " CROSS JOIN entries AS e ON e.parent_id = folders.id LIMIT :enough)"
)
_BELOW: Final = tree.FOLDERS_BELOW
_FRESH: Final = (
    "WITH fresh (id) AS (SELECT id FROM entries WHERE id > (SELECT upto FROM packing)"
    " UNION SELECT entry_id FROM unpacked)"
)
_PACKS: Final = "SELECT first, folders FROM packs WHERE kind = ?1 ORDER BY first"
_NAMES: Final = "SELECT names FROM packs WHERE kind = ?1 AND first = ?2"
_PARENT: Final = "SELECT parent_id FROM entries WHERE id = ?1"
_KEYS: Final = "SELECT parent_id, size, modified FROM entries WHERE id = ?1"

_SOURCES: Final = {
    "below": (_BELOW, "folders CROSS JOIN entries AS e ON e.parent_id = folders.id"),
    "fresh": (_FRESH, "fresh CROSS JOIN entries AS e ON e.id = fresh.id"),
    "all": ("", "entries AS e NOT INDEXED"),
}
"""Where rows are read from: below the folder, in no pack, or everywhere."""


class Key(NamedTuple):
    """In this order the entries of a search are shown; `value` is 0 where names alone decide."""

    value: int
    name: str
    id: int


class _TooManyMisses(Exception):
    """Nearly all that matches lies elsewhere."""


class Search:
    """One search, in one state of the database."""

    def __init__(self, db: Connection, folder_id: int, what: Listing) -> None:
        self._db = db
        self._folder_id = folder_id
        self._descending = what.descending
        self._query = what.query.casefold()
        self.scope = Scope(db, folder_id, what.path)
        self._stale = {entry_id for (entry_id,) in db.execute("SELECT entry_id FROM unpacked")}
        self._misses = 0

    def find(self, kind: int, sort: str, after: Place | None, limit: int) -> Sequence[int]:
        """Ids of the next entries of one kind, in order and from behind a place."""
        if packs.is_in_no_name(self._query):
            return []
        place = None if after is None else Key(after.value, after.name, after.id)
        return [key.id for key in self._find(kind, sort, place, limit)]

    def _find(self, kind: int, sort: str, after: Key | None, limit: int) -> Sequence[Key]:
        if self._is_small():
            return list(islice(self._read("below", kind, sort, after), limit))
        try:
            if sort == "name":
                return self._by_name(kind, after, limit)
            return self._by_value(kind, sort, after, limit)
        except _TooManyMisses:
            return list(islice(self._read("below", kind, sort, after), limit))

    def _is_small(self) -> bool:
        values = {"folder": self._folder_id, "enough": FEW_NAMES + 1}
        (count,) = self._db.execute(_COUNT, values).fetchone()
        return int(count) <= FEW_NAMES

    def _by_name(self, kind: int, after: Key | None, limit: int) -> Sequence[Key]:
        best = list(islice(self._read("fresh", kind, "name", after), limit))
        for first, packed in self._packs(kind):
            last = best[-1] if len(best) == limit else None
            found = self._of_pack(first, packed, after, last)
            best = self._ordered([*best, *islice(found, limit)])[:limit]
        return best

    def _of_pack(self, first: int, packed: bytes, after: Key | None, last: Key | None) -> Iterator[Key]:
        """What matches in a pack, by name, up to the last that the page has room for."""
        begin = None if after is None else Named(after.name, after.id)
        for hit in self._hits(first, packed, begin):
            key = Key(0, *hit)
            if last is not None and (key < last if self._descending else key > last):
                return
            if self._holds(hit.id, _PARENT) is not None:
                yield key

    def _by_value(self, kind: int, sort: str, after: Key | None, limit: int) -> Sequence[Key]:
        found: list[Key] = []
        hits = (hit for first, packed in self._packs(kind) for hit in self._hits(first, packed, None))
        for count, hit in enumerate(hits):
            if count == FEW_HITS:
                return list(islice(self._read("all", kind, sort, after), limit))
            row = self._holds(hit.id, _KEYS)
            if row is not None:
                found.append(Key({"size": row[1], "modified": row[2]}[sort], *hit))
        if after is not None:
            found = [key for key in found if (key < after if self._descending else key > after)]
        return self._ordered([*found, *islice(self._read("fresh", kind, sort, after), limit)])[:limit]

    def _ordered(self, keys: Iterable[Key]) -> list[Key]:
        return sorted(keys, reverse=self._descending)

    def _packs(self, kind: int) -> Iterator[tuple[int, bytes]]:
        """The packs that may hold something of the folder."""
        for first, folders in self._db.execute(_PACKS, (kind,)).fetchall():
            if folders is None or any(self.scope.holds(folder) for folder in json.loads(folders)):
                (packed,) = self._db.execute(_NAMES, (kind, first)).fetchone()
                yield first, packed

    def _hits(self, first: int, packed: bytes, after: Named | None) -> Iterator[Named]:
        """What matches in a pack and is still called so."""
        query = self._query.encode()
        found = packs.hits(packed, first, query, after=after, descending=self._descending)
        return (hit for hit in found if hit.id not in self._stale)

    def _holds(self, entry_id: int, columns: str) -> Sequence[Any] | None:
        """The entry's row, parent first, where it lies below the folder."""
        row: Sequence[Any] = self._db.execute(columns, (entry_id,)).fetchone()
        if self.scope.holds(row[0]):
            return row
        self._misses += 1
        if self._misses > MISSES:
            raise _TooManyMisses
        return None

    def _read(self, source: str, kind: int, sort: str, after: Key | None) -> Iterator[Key]:
        """What matches among the rows of a source, in order, a stretch at a time."""
        while True:
            values: dict[str, int | str] = {
                "folder": self._folder_id, "kind": kind, "query": self._query, "limit": STRETCH
            }  # fmt: skip
            if after is not None:
                values |= {"value": after.value, "name": after.name, "id": after.id}
            statement = statement_for(source, sort, self._descending, after is not None)
            rows = self._db.execute(statement, values).fetchall()
            for parent_id, *key in rows:
                if self.scope.holds(parent_id):
                    yield Key(*key)
            if len(rows) < STRETCH:
                return
            after = Key(*rows[-1][1:])


@lru_cache
def statement_for(source: str, sort: str, descending: bool, continued: bool) -> str:
    """What matches among the rows of a source: parent, then the key."""
    before, rows = _SOURCES[source]
    value = SORTED_BY[sort]
    behind, order = keyset([value, "e.name", "e.id"], descending, continued)
    return (
        f"{before} SELECT e.parent_id, {value or 0}, e.name, e.id FROM {rows}"  # noqa: S608 (constants)
        f" WHERE e.kind = :kind AND instr(coalesce(e.folded, e.name), :query) {behind}"
        f" ORDER BY {order} LIMIT :limit"
    )
