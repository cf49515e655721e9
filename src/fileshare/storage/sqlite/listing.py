"""Pages of folders and of searches, by keyset: a page costs the same wherever it lies.

A folder's page comes straight from an index; how a search finds its page stands in `searching`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Final

import msgspec

from fileshare.domain import names
from fileshare.errors import BadRequest
from fileshare.services.ports import Listing, Page
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import at_once, tree
from fileshare.storage.sqlite.entry_rows import COLUMNS, COUNT, JOINS, to_entry
from fileshare.storage.sqlite.keyset import SORTED_BY, keyset
from fileshare.storage.sqlite.searching import Search
from fileshare.storage.sqlite.shelf import Shelf

Row = Sequence[Any]
"""Parent, size, then `COLUMNS`."""

_SELECT: Final = f"SELECT e.parent_id, e.size, {COLUMNS} FROM entries AS e {JOINS}"  # noqa: S608 (constants)
_BY_ID: Final = (
    f"SELECT e.parent_id, e.size, {COLUMNS} FROM json_each(?1) AS wanted"  # noqa: S608 (constants)
    f" CROSS JOIN entries AS e ON e.id = wanted.value {JOINS} ORDER BY wanted.key"
)
"""The entries of a list of ids, in its order."""


def listing(db: Connection, what: Listing, shelf: Shelf) -> Page:
    """A page of a folder, or of a search below it. Raises NotFound; Conflict; BadRequest."""
    if what.sort not in SORTED_BY:
        raise BadRequest("Sort by name, size or modified.")
    after = None if what.cursor is None else Place.decode(what.cursor)
    folder_id = tree.find_folder(db, what.path)
    rows_of, path_of = (
        _of_search(db, folder_id, what, shelf) if what.query else _of_folder(db, folder_id, what)
    )
    rows: list[Row] = []
    for kind in (tree.FOLDER, tree.FILE):
        wanted = what.limit + 1 - len(rows)
        if wanted > 0 and (after is None or after.kind <= kind):
            begin = after if after is not None and after.kind == kind else None
            sort = "name" if kind == tree.FOLDER and what.sort == "size" else what.sort  # folders have none
            rows += rows_of(kind, sort, begin, wanted)
    shown = rows[: what.limit]
    entries = [to_entry(row[2:], names.join(path_of(row[0]) or "", row[4])) for row in shown]
    return Page(entries, _place(shown[-1], what.sort).encode() if len(rows) > what.limit else None)


RowsOf = Callable[[int, str, Place | None, int], Sequence[Row]]
"""The rows of one kind, in an order, from behind a place, so many."""

PathOf = Callable[[int], str | None]
"""The path of a folder."""


def _of_folder(db: Connection, folder_id: int, what: Listing) -> tuple[RowsOf, PathOf]:
    """What a folder holds."""

    def rows_of(kind: int, sort: str, after: Place | None, limit: int) -> Sequence[Row]:
        values: dict[str, int | str] = {"folder": folder_id, "limit": limit}
        if after is not None:
            values |= {"value": after.value, "name": after.name}
        select = _folder(kind, sort, what.descending, after is not None)
        return at_once.rows(db, select, COUNT + 2, values)

    return rows_of, lambda _: what.path


def _of_search(db: Connection, folder_id: int, what: Listing, shelf: Shelf) -> tuple[RowsOf, PathOf]:
    """What matches anywhere below a folder; only what is shown is joined with its version."""
    search = Search(db, folder_id, what, shelf)

    def rows_of(kind: int, sort: str, after: Place | None, limit: int) -> Sequence[Row]:
        found = search.find(kind, sort, after, limit)
        return at_once.rows(db, _BY_ID, COUNT + 2, (msgspec.json.encode(found).decode(),))

    return rows_of, search.scope.path_of


@lru_cache
def _folder(kind: int, sort: str, descending: bool, continued: bool) -> str:
    """One kind of what a folder holds, straight from the index for that kind and order."""
    behind, order = keyset([SORTED_BY[sort], "e.name"], descending, continued)
    return f"{_SELECT} WHERE e.parent_id = :folder AND e.kind = {kind} {behind} ORDER BY {order} LIMIT :limit"


def _place(row: Row, sort: str) -> Place:
    _, size, entry_id, kind, name, _, modified, *_ = row
    return Place(kind, {"name": 0, "size": size, "modified": modified}[sort], name, entry_id)
