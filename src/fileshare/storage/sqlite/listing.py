"""Pages of folders and of searches, by keyset: a page costs the same wherever it lies.

A folder's page comes straight from an index. A search reads all names below its
folder, in this one place.
"""

from collections.abc import Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.domain.model import Entry
from fileshare.errors import BadRequest
from fileshare.services.ports import Listing, Page
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import tree
from fileshare.storage.sqlite.entry_rows import COLUMNS, JOINS, to_entry

Row = Sequence[Any]

_SORTED_BY: Final = {"name": "", "size": "e.size", "modified": "e.modified"}
"""What entries are ordered by before their name; with it, the end of an index of `entries`."""

_SELECT: Final = f"SELECT e.parent_id, e.size, {COLUMNS} FROM "  # noqa: S608 (constants)


def listing(db: Connection, what: Listing) -> Page:
    """A page of a folder, or of a search below it. Raises NotFound; Conflict; BadRequest."""
    if what.sort not in _SORTED_BY:
        raise BadRequest("Sort by name, size or modified.")
    after = None if what.cursor is None else Place.decode(what.cursor)
    folder_id = tree.find_folder(db, what.path)
    rows: list[Row] = []
    for kind in (tree.FOLDER, tree.FILE):
        wanted = what.limit + 1 - len(rows)
        if wanted > 0 and (after is None or after.kind <= kind):
            begin = after if after is not None and after.kind == kind else None
            rows += _rows(db, folder_id, kind, what, after=begin, limit=wanted)
    shown = rows[: what.limit]
    more = len(rows) > what.limit
    return Page(_entries(db, shown, what), _place(shown[-1], what.sort).encode() if more else None)


def _rows(
    db: Connection, folder_id: int, kind: int, what: Listing, *, after: Place | None, limit: int
) -> Sequence[Row]:
    """Rows of one kind, in order and behind a place: parent, size, then `COLUMNS`."""
    values: dict[str, int | str] = {"folder": folder_id, "limit": limit}
    if what.query:
        values["query"] = what.query.casefold()
    if after is not None:
        values |= {"value": after.value, "name": after.name, "id": after.id}
    statement = _search if what.query else _folder
    sort = "name" if kind == tree.FOLDER and what.sort == "size" else what.sort  # folders have no size
    return db.execute(statement(kind, sort, what.descending, after is not None), values).fetchall()


@lru_cache
def _folder(kind: int, sort: str, descending: bool, continued: bool) -> str:
    """One kind of what a folder holds, straight from the index for that kind and order."""
    behind, order = _keyset([_SORTED_BY[sort], "e.name"], descending, continued)
    return (
        f"{_SELECT} entries AS e {JOINS} WHERE e.parent_id = :folder AND e.kind = {kind} {behind}"
        f" ORDER BY {order} LIMIT :limit"
    )


@lru_cache
def _search(kind: int, sort: str, descending: bool, continued: bool) -> str:
    """One kind of what matches anywhere below; only what is shown is joined with its version."""
    behind, order = _keyset([_SORTED_BY[sort], "e.name", "e.id"], descending, continued)
    return (
        f"{tree.FOLDERS_BELOW}, found (id) AS MATERIALIZED ("  # noqa: S608 (constants)
        "SELECT e.id FROM folders CROSS JOIN entries AS e ON e.parent_id = folders.id"
        f" WHERE e.kind = {kind} AND instr(coalesce(e.folded, e.name), :query) {behind}"
        f" ORDER BY {order} LIMIT :limit)"
        f" {_SELECT} found JOIN entries AS e ON e.id = found.id {JOINS} ORDER BY {order}"
    )


def _keyset(keys: list[str], descending: bool, continued: bool) -> tuple[str, str]:
    """The condition for what lies behind the last entry that was shown, and the order."""
    used = [key for key in keys if key]
    order = ", ".join(f"{key} DESC" if descending else key for key in used)
    if not continued:
        return "", order
    places = {"e.name": ":name", "e.id": ":id"}
    last = ", ".join(places.get(key, ":value") for key in used)
    return f"AND ({', '.join(used)}) {'<' if descending else '>'} ({last})", order


def _entries(db: Connection, rows: Sequence[Row], what: Listing) -> Sequence[Entry]:
    """Entries with their paths; in a search each folder's is found once."""
    folders: dict[int, str] = {}
    entries: list[Entry] = []
    for parent_id, _, *row in rows:
        if not what.query:
            folder = what.path
        elif parent_id in folders:
            folder = folders[parent_id]
        else:
            _, folder = tree.way_to(db, parent_id)
            folders[parent_id] = folder
        entries.append(to_entry(row, names.join(folder, row[2])))
    return entries


def _place(row: Row, sort: str) -> Place:
    _, size, entry_id, kind, name, _, modified, *_ = row
    return Place(kind, {"name": 0, "size": size, "modified": modified}[sort], name, entry_id)
