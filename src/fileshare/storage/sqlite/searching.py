"""Searches: pages of what matches below a folder, in order, from packed names (see `packs`).

Every way to the answer gives the same one; they differ in what they read:
- few names below the folder: each name's row;
- otherwise every pack that can add to the page, up to the entry where it no longer can,
  and the rows of what is in no pack, or has changed since;
- where nearly all that matches lies elsewhere, the rows below the folder after all.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from sqlite3 import Connection
from typing import Final

from fileshare.services.ports import Listing
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import packs, tree
from fileshare.storage.sqlite.keyset import SORTED_BY, keyset
from fileshare.storage.sqlite.orders import Key, Ordered
from fileshare.storage.sqlite.packs import Named
from fileshare.storage.sqlite.scope import Scope

FEW_NAMES: Final = 10_000
"""Names below a folder up to which their rows are read: some 15 ms."""

MISSES: Final = 5_000
"""Matches that lie elsewhere after which it is quicker to read the names below the folder."""

STRETCH: Final = 1_000
"""Rows of a table that are put in order at a time."""

_COUNT: Final = (
    f"{tree.FOLDERS_BELOW} SELECT count(*) FROM (SELECT 1 FROM folders"  # noqa: S608 (constants)
    " CROSS JOIN entries AS e ON e.parent_id = folders.id LIMIT :enough)"
)
_BY_NAME: Final = "SELECT rowid, first, 0, 0, 0, folders FROM packs WHERE kind = :kind"
_BY_VALUE: Final = (
    "SELECT p.rowid, p.first, o.rowid, o.low, o.high, p.folders FROM pack_orders AS o"
    " JOIN packs AS p ON p.kind = o.kind AND p.first = o.first WHERE o.sort = :sort AND o.kind = :kind"
)
_PARENT: Final = "SELECT parent_id FROM entries WHERE id = ?1"
_RENAMED: Final = "SELECT entry_id FROM unpacked"
_CHANGED: Final = f"{_RENAMED} UNION SELECT entry_id FROM revalued"  # noqa: S608 (constants)

_SOURCES: Final = {
    "below": (tree.FOLDERS_BELOW, "folders CROSS JOIN entries AS e ON e.parent_id = folders.id"),
    "new": ("", "packing CROSS JOIN entries AS e NOT INDEXED ON e.id > packing.upto"),
    "renamed": (f"WITH old (id) AS ({_RENAMED})", "old CROSS JOIN entries AS e ON e.id = old.id"),
    "changed": (f"WITH old (id) AS ({_CHANGED})", "old CROSS JOIN entries AS e ON e.id = old.id"),
}
"""Where rows are read from: below the folder, above what is packed, or what its pack tells wrongly."""

Pack = tuple[int, int, int, int, int, str | None]
"""Its row, its first id, the row of its order, the least and the greatest value, its folders."""


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
        self._misses = 0

    def find(self, kind: int, sort: str, after: Place | None, limit: int) -> Sequence[int]:
        """Ids of the next entries of one kind, in order and from behind a place."""
        if packs.is_in_no_name(self._query):
            return []
        place = None if after is None else Key(after.value, after.name, after.id)
        return [key.id for key in self._find(kind, sort, place, limit)]

    def _find(self, kind: int, sort: str, after: Key | None, limit: int) -> Sequence[Key]:
        if not self._is_small():
            try:
                return self._in_packs(kind, sort, after, limit)
            except _TooManyMisses:
                pass
        return list(islice(self._read("below", kind, sort, after), limit))

    def _is_small(self) -> bool:
        values = {"folder": self._folder_id, "enough": FEW_NAMES + 1}
        (count,) = self._db.execute(_COUNT, values).fetchone()
        return int(count) <= FEW_NAMES

    def _in_packs(self, kind: int, sort: str, after: Key | None, limit: int) -> Sequence[Key]:
        """From packs; what they tell of entries that changed is passed over, and read from the rows."""
        old = "renamed" if sort == "name" else "changed"
        rows = (islice(self._read(source, kind, sort, after), limit) for source in ("new", old))
        best = self._ordered(chain.from_iterable(rows))[:limit]
        stale = {entry_id for (entry_id,) in self._db.execute(_RENAMED if sort == "name" else _CHANGED)}
        for pack in self._packs(kind, sort, after):
            last = best[-1] if len(best) == limit else None
            if last is not None and self._is_past(pack, last):
                continue
            hits = (key for key in self._hits(pack, sort, after, last) if key.id not in stale)
            best = self._ordered([*best, *islice(self._up_to(last, after, hits), limit)])[:limit]
        return best

    def _packs(self, kind: int, sort: str, after: Key | None) -> Iterator[Pack]:
        """The packs that may hold something of the folder behind a place, first those likely to hold much."""
        found: list[Pack] = self._db.execute(
            _BY_NAME if sort == "name" else _BY_VALUE, {"kind": kind, "sort": sort}
        ).fetchall()
        found.sort(key=lambda pack: (pack[5] is None, -pack[4] if self._descending else pack[3]))
        for pack in found:
            *_, low, high, folders = pack
            if after is not None and (low > after.value if self._descending else high < after.value):
                continue
            if folders is None or any(self.scope.holds(folder) for folder in json.loads(folders)):
                yield pack

    def _is_past(self, pack: Pack, last: Key) -> bool:
        """Whether the pack has only what comes after an entry."""
        return pack[4] < last.value if self._descending else pack[3] > last.value

    def _hits(self, pack: Pack, sort: str, after: Key | None, last: Key | None) -> Iterator[Key]:
        """What matches in a pack, in order, with all of what lies between two places."""
        row, first, order, *_ = pack
        query, packed = self._query.encode(), self._blob("packs", "names", row)
        if sort == "name":
            begin = None if after is None else Named(after.name, after.id)
            for hit in packs.hits(packed, first, query, after=begin, descending=self._descending):
                yield Key(0, *hit)
            return
        at = packed.find(query) if last is None else None
        if at is None or at >= 0:
            ordered = Ordered(packed, first, self._blob("pack_orders", "kept", order))
            yield from ordered.hits(query, at=at, after=after, last=last, descending=self._descending)

    def _up_to(self, last: Key | None, after: Key | None, keys: Iterable[Key]) -> Iterator[Key]:
        """Of what comes in order, what lies below the folder, behind a place and up to the page's last."""
        for key in keys:
            if after is not None and (key >= after if self._descending else key <= after):
                continue
            if last is not None and (key < last if self._descending else key > last):
                return
            if self._holds(key.id):
                yield key

    def _holds(self, entry_id: int) -> bool:
        """Whether the entry lies below the folder."""
        (parent_id,) = self._db.execute(_PARENT, (entry_id,)).fetchone()
        if self.scope.holds(parent_id):
            return True
        self._misses += 1
        if self._misses > MISSES:
            raise _TooManyMisses
        return False

    def _ordered(self, keys: Iterable[Key]) -> list[Key]:
        return sorted(keys, reverse=self._descending)

    def _blob(self, table: str, column: str, row: int) -> bytes:
        """A large value, read without the copy that a row of results would be."""
        with self._db.blobopen(table, column, row, readonly=True) as blob:
            return blob.read()

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
