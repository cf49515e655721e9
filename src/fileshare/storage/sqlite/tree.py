"""The tree of files and folders: from paths to rows and back.

Paths are found name by name from the root; nothing here reads what a file holds.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final, NamedTuple

from fileshare.domain import names
from fileshare.errors import Conflict, NotFound

ROOT: Final = 1
FOLDER: Final = 0
FILE: Final = 1

FOLDERS_BELOW: Final = (
    "WITH RECURSIVE folders (id) AS (SELECT :folder UNION ALL"
    " SELECT child.id FROM folders JOIN entries AS child ON child.parent_id = folders.id AND child.kind = 0) "
)
"""The folder `:folder` and all folders below it, as the table `folders`."""

ALL_BELOW: Final = (
    "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL"
    " SELECT child.id FROM tree JOIN entries AS child ON child.parent_id = tree.id) "
)
"""The entry ?1 and everything below it, as the table `tree`."""

_CHILD: Final = "SELECT id, kind FROM entries WHERE parent_id = ?1 AND name = ?2"

_UPWARDS: Final = (
    "WITH RECURSIVE up (id, parent_id, name, depth) AS ("
    "SELECT id, parent_id, name, 0 FROM entries WHERE id = ?1 UNION ALL"
    " SELECT e.id, e.parent_id, e.name, up.depth + 1 FROM up JOIN entries AS e ON e.id = up.parent_id)"
    " SELECT id, name FROM up ORDER BY depth DESC"
)

_LONGEST: Final = (
    "WITH RECURSIVE folders (id, length) AS (SELECT ?1, 0 UNION ALL"
    " SELECT c.id, folders.length + 1 + length(CAST(c.name AS BLOB))"
    " FROM folders JOIN entries AS c ON c.parent_id = folders.id AND c.kind = 0)"
    " SELECT max(folders.length + 1 + length(CAST(e.name AS BLOB)))"
    " FROM folders JOIN entries AS e ON e.parent_id = folders.id"
)


class Found(NamedTuple):
    """An entry that a path led to."""

    id: int
    kind: int


def child(db: Connection, folder_id: int, name: str) -> Found | None:
    """The entry of that name in a folder."""
    row = db.execute(_CHILD, (folder_id, name)).fetchone()
    return None if row is None else Found(*row)


def look_up(db: Connection, path: str) -> Found | None:
    """The entry at a path."""
    found: Found | None = Found(ROOT, FOLDER)
    for name in _names(path):
        if found is None:
            return None
        found = child(db, found.id, name)  # a file has no children
    return found


def find(db: Connection, path: str) -> Found:
    """The entry at a path. Raises NotFound."""
    found = look_up(db, path)
    if found is None:
        raise NotFound()
    return found


def find_folder(db: Connection, path: str) -> int:
    """The folder at a path. Raises NotFound; Conflict for a file."""
    found = find(db, path)
    if found.kind == FILE:
        raise Conflict("That is a file, not a folder.")
    return found.id


def find_file(db: Connection, path: str) -> int:
    """The file at a path. Raises NotFound; Conflict for a folder."""
    found = find(db, path)
    if found.kind == FOLDER:
        raise Conflict("That is a folder, not a file.")
    return found.id


def folder_so_far(db: Connection, path: str) -> tuple[int, Sequence[str]]:
    """The deepest folder on the way to `path` that exists, and the names that are missing below it.

    Raises Conflict when a file stands on the way.
    """
    folder_id, missing = ROOT, _names(path)
    for position, name in enumerate(missing):
        found = child(db, folder_id, name)
        if found is None:
            return folder_id, missing[position:]
        if found.kind == FILE:
            way = names.shown("/".join(missing[: position + 1]))
            raise Conflict(f"A file is in the way: {way} is no folder.")
        folder_id = found.id
    return folder_id, ()


def make_folder(db: Connection, path: str, now: int) -> int:
    """The folder at a path, made with its parents where missing. Raises Conflict."""
    folder_id, missing = folder_so_far(db, path)
    for name in missing:
        folder_id = add_folder(db, folder_id, name, now)
    return folder_id


def add_folder(db: Connection, parent_id: int, name: str, now: int) -> int:
    """A new folder in a folder; the name is free."""
    touch(db, parent_id, now)
    row = db.execute(
        "INSERT INTO entries (parent_id, name, folded, kind, modified, created)"
        " VALUES (?1, ?2, ?3, 0, ?4, ?4) RETURNING id",
        (parent_id, name, folded(name), now),
    ).fetchone()
    return int(row[0])


def touch(db: Connection, folder_id: int, now: int) -> None:
    """Something in that folder came, went or was renamed."""
    db.execute("UPDATE entries SET modified = ?2 WHERE id = ?1", (folder_id, now))


def attach(db: Connection, entry_id: int, folder_id: int, name: str, now: int) -> None:
    """Hang an entry into a folder under a name that is free there."""
    db.execute(
        "UPDATE entries SET parent_id = ?2, name = ?3, folded = ?4 WHERE id = ?1",
        (entry_id, folder_id, name, folded(name)),
    )
    touch(db, folder_id, now)


def detach(db: Connection, entry_id: int, now: int) -> None:
    """Take an entry out of its folder."""
    (parent_id,) = db.execute("SELECT parent_id FROM entries WHERE id = ?1", (entry_id,)).fetchone()
    db.execute("UPDATE entries SET parent_id = NULL WHERE id = ?1", (entry_id,))
    touch(db, parent_id, now)


def way_to(db: Connection, entry_id: int) -> tuple[int, str]:
    """The top above an entry, and its path: from the root, or from the name of what was trashed."""
    rows = db.execute(_UPWARDS, (entry_id,)).fetchall()
    top = int(rows[0][0])
    return top, "/".join(name for row_id, name in rows if row_id != ROOT)


def longest_below(db: Connection, entry_id: int) -> int:
    """Bytes that the longest path below an entry adds to that of the entry."""
    (longest,) = db.execute(_LONGEST, (entry_id,)).fetchone()
    return longest or 0


def folded(name: str) -> str | None:
    """The name as searches compare it, None where that is the name itself."""
    compared = name.casefold()
    return None if compared == name else compared


def _names(path: str) -> Sequence[str]:
    return path.split("/") if path else ()
