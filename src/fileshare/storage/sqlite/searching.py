"""Searches: pages of what matches below a folder, in order, from packed names (see `packs`).

Every way to the answer gives the same one; they differ in what they read:
- few names below the folder: each name's row;
- otherwise every pack that can add to the page, up to the entry where it no longer can,
  and the rows of what is in no pack, or has changed since;
- where nearly all that matches lies elsewhere, the rows below the folder after all.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from itertools import islice
from sqlite3 import Connection
from typing import Final

from fileshare.services.ports import Listing
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import orders, packs, repacking, tree
from fileshare.storage.sqlite.columns import Column, to_column
from fileshare.storage.sqlite.keyset import SORTED_BY, keyset
from fileshare.storage.sqlite.merging import Source, merged
from fileshare.storage.sqlite.orders import Key, Ordered, Pace
from fileshare.storage.sqlite.packs import Named
from fileshare.storage.sqlite.scope import Scope
from fileshare.storage.sqlite.shelf import Shelf

FEW_NAMES: Final = 10_000
"""Names below a folder up to which their rows are read: some 15 ms."""

MISSES: Final = 20_000
"""Matches that lie elsewhere after which it is quicker to read the names below the folder."""

STRETCH: Final = 1_000
"""Rows of a table that are put in order at a time."""

_COUNT: Final = (
    f"{tree.FOLDERS_BELOW} SELECT count(*) FROM (SELECT 1 FROM folders"  # noqa: S608 (constants)
    " CROSS JOIN entries AS e ON e.parent_id = folders.id LIMIT :enough)"
)
_PACKS: Final = {
    sort: f"SELECT id, first, {low}, {high}, folders FROM packs WHERE kind = ?1"  # noqa: S608 (constants)
    for sort, low, high in (
        ("name", 0, 0),
        ("size", "least_size", "greatest_size"),
        ("modified", "least_modified", "greatest_modified"),
    )
}
_LARGE: Final = "SELECT large FROM packing"
_RENAMED: Final = "SELECT entry_id FROM unpacked"
_CHANGED: Final = f"{_RENAMED} UNION SELECT entry_id FROM revalued"  # noqa: S608 (constants)

_SOURCES: Final = {
    "below": (tree.FOLDERS_BELOW, "folders CROSS JOIN entries AS e ON e.parent_id = folders.id"),
    "new": ("", "packing CROSS JOIN entries AS e NOT INDEXED ON e.id > packing.upto"),
    "renamed": (f"WITH old (id) AS ({_RENAMED})", "old CROSS JOIN entries AS e ON e.id = old.id"),
    "changed": (f"WITH old (id) AS ({_CHANGED})", "old CROSS JOIN entries AS e ON e.id = old.id"),
}
"""Where rows are read from: below the folder, above what is packed, or what its pack tells wrongly."""

Pack = tuple[int, int, int, int, str | None]
"""Its id, its first entry's, the least and the greatest value, its folders."""


_COLUMNS: Final = {
    "parents": partial(to_column, repacking.PARENTS),
    "starts": partial(to_column, repacking.STARTS),
}
_LEAST, _GREATEST = -(1 << 63), 1 << 63
"""What is before and behind every value."""


class _TooManyMisses(Exception):
    """Nearly all that matches lies elsewhere."""


class Search:
    """One search, in one state of the database."""

    def __init__(self, db: Connection, folder_id: int, what: Listing, shelf: Shelf) -> None:
        self._db = db
        self._folder_id = folder_id
        self._descending = what.descending
        self._query = what.query.casefold()
        self._shelf = shelf
        self.scope = Scope(db, folder_id, what.path)
        self._misses = 0

    def find(self, kind: int, sort: str, after: Place | None, limit: int) -> Sequence[int]:
        """Ids of the next entries of one kind, in order and from behind a place."""
        if packs.is_in_no_name(self._query):
            return []
        place = None if after is None else Key(after.value, after.name, after.id)
        return [key.id for key in self._find(kind, sort, place, limit)]

    def _find(self, kind: int, sort: str, after: Key | None, limit: int) -> Sequence[Key]:
        if not self._is_small:
            try:
                return list(islice(self._in_packs(kind, sort, after, limit), limit))
            except _TooManyMisses:
                pass
        return list(islice(self._read("below", kind, sort, after), limit))

    @cached_property
    def _is_small(self) -> bool:
        values = {"folder": self._folder_id, "enough": FEW_NAMES + 1}
        (count,) = self._db.execute(_COUNT, values).fetchone()
        return int(count) <= FEW_NAMES

    def _in_packs(self, kind: int, sort: str, after: Key | None, limit: int) -> Iterator[Key]:
        """From packs; what they tell of entries that changed is passed over, and read from the rows."""
        old = "renamed" if sort == "name" else "changed"
        edge = Key(_GREATEST if self._descending else _LEAST, "", 0)
        sources = [Source(edge, partial(self._read, source, kind, sort, after)) for source in ("new", old)]
        stale = {entry_id for (entry_id,) in self._db.execute(_RENAMED if sort == "name" else _CHANGED)}
        found = list(self._packs(kind, sort, after))
        (large,) = self._db.execute(_LARGE).fetchone()
        ids = sum(packs.LARGE if first <= large else packs.SIZE for _, first, *_ in found)
        pace = Pace(limit / max(1, ids))
        for pack in found:
            edge = Key(pack[3] + 1 if self._descending else pack[2], "", 0)
            sources.append(Source(edge, partial(self._hits, pack, sort, after, stale, pace)))
        return merged(sources, descending=self._descending)

    def _packs(self, kind: int, sort: str, after: Key | None) -> Iterator[Pack]:
        """The packs that may hold something of the folder behind a place."""
        found: list[Pack] = self._db.execute(_PACKS[sort], (kind,)).fetchall()
        for pack in found:
            _, _, low, high, folders = pack
            if after is not None and (low > after.value if self._descending else high < after.value):
                continue
            if (
                self._folder_id == tree.ROOT
                or folders is None
                or any(map(self.scope.holds, json.loads(folders)))
            ):
                yield pack

    def _hits(
        self, pack: Pack, sort: str, after: Key | None, stale: Collection[int], pace: Pace
    ) -> Iterator[Key]:
        """What matches in a pack and is told rightly by it, in order, below the folder and behind a place."""
        pack_id, first, *_ = pack
        parents = self._column(pack_id, "parents")

        def wanted(number: int) -> bool:
            return first + number not in stale and self._holds(parents[number])

        query, names = self._query.encode(), self._shelf.column(self._db, pack_id, "names", bytes)
        if sort == "name":
            begin = None if after is None else Named(after.name, after.id)
            for hit in packs.hits(
                names, first, query, wanted=wanted, after=begin, descending=self._descending
            ):
                yield Key(0, *hit)
            return
        order = self._shelf.column(self._db, pack_id, sort, orders.to_order)
        ordered = Ordered(names, first, self._column(pack_id, "starts"), order, pace)
        for key in ordered.hits(query, wanted=wanted, after=after, descending=self._descending):
            if after is None or (key < after if self._descending else key > after):
                yield key

    def _column(self, pack_id: int, name: str) -> Column:
        return self._shelf.column(self._db, pack_id, name, _COLUMNS[name])

    def _holds(self, parent_id: int) -> bool:
        """Whether an entry of that folder lies below the one that is searched."""
        if self.scope.holds(parent_id or None):
            return True
        self._misses += 1
        if self._misses > MISSES:
            raise _TooManyMisses
        return False

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
