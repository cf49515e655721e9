"""Everything below a folder, page by page, depth first by name."""

from collections.abc import Iterator
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.domain.model import Entry, Folder
from fileshare.services.ports import Page
from fileshare.storage import cursors
from fileshare.storage.sqlite import at_once, tree
from fileshare.storage.sqlite.entry_rows import COUNT, SELECT, to_entry

Level = tuple[str, Iterator[list[Any]]]
"""A folder that is being gone through: its path, and its entries that are still to come."""

_CHILDREN: Final = f"{SELECT} WHERE e.parent_id = ?1 AND e.name > ?2 ORDER BY e.name LIMIT ?3"

_COUNT: Final = (
    f"{tree.FOLDERS_BELOW} SELECT count(*)"  # noqa: S608 (constants)
    " FROM folders CROSS JOIN entries AS e ON e.parent_id = folders.id AND e.kind = 1"
)


def walk(db: Connection, path: str, limit: int, cursor: str | None) -> Page:
    """A page of everything below a folder. Raises NotFound; Conflict for a file; BadRequest."""
    after = [] if cursor is None else cursors.decode_names(cursor)
    found = _take(db, _levels(db, tree.find_folder(db, path), path, after, limit + 1), limit + 1)
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, None)
    below = shown[-1].path.removeprefix(f"{path}/" if path else "")
    return Page(shown, cursors.encode(below.split("/")))


def count_files(db: Connection, path: str) -> int:
    """How many files lie below a folder. Raises NotFound; Conflict for a file."""
    (count,) = db.execute(_COUNT, {"folder": tree.find_folder(db, path)}).fetchone()
    return int(count)


def _levels(db: Connection, folder_id: int, path: str, after: list[str], limit: int) -> list[Level]:
    """The folders on the way to the entry that was shown last, each behind the name on that way.

    Where that way has changed meanwhile, it goes on behind the last name that is still there.
    """
    levels = [(path, _children(db, folder_id, after[0] if after else "", limit))]
    for position, name in enumerate(after):
        found = tree.child(db, folder_id, name)
        if found is None or found.kind == tree.FILE:
            break
        folder_id, path = found.id, names.join(path, name)
        following = after[position + 1] if position + 1 < len(after) else ""
        levels.append((path, _children(db, folder_id, following, limit)))
    return levels


def _take(db: Connection, levels: list[Level], limit: int) -> list[Entry]:
    """The next entries, a folder before what it holds."""
    entries: list[Entry] = []
    while levels and len(entries) < limit:
        path, rows = levels[-1]
        row = next(rows, None)
        if row is None:
            levels.pop()
            continue
        entry = to_entry(row, names.join(path, row[2]))
        entries.append(entry)
        if isinstance(entry, Folder):
            levels.append((entry.path, _children(db, entry.id, "", limit - len(entries))))
    return entries


def _children(db: Connection, folder_id: int, after: str, limit: int) -> Iterator[list[Any]]:
    """What a folder holds behind a name, so many at most."""
    return iter(at_once.rows(db, _CHILDREN, COUNT, (folder_id, after, limit)))
