"""Files and folders: one by its path, making, moving."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.domain.model import Entry, File, Folder, Version
from fileshare.errors import BadRequest, Conflict, NotFound
from fileshare.storage.free_names import check_length
from fileshare.storage.sqlite import tree

COLUMNS: Final = (
    "e.id, e.kind, e.name, e.created, e.modified,"
    " v.number, lower(hex(c.digest)), v.size, v.modified, v.created, a.name"
)
COUNT: Final = 11
"""Of `COLUMNS`."""
JOINS: Final = (
    " LEFT JOIN versions AS v ON v.entry_id = e.id AND v.number = e.version"
    " LEFT JOIN contents AS c ON c.id = v.content_id"
    " LEFT JOIN accounts AS a ON a.id = v.account_id "
)
SELECT: Final = f"SELECT {COLUMNS} FROM entries AS e {JOINS}"  # noqa: S608 (constants)
"""Rows that `to_entry` understands."""


def to_entry(row: Sequence[Any], path: str) -> Entry:
    """An entry from a row of `COLUMNS`, and its path."""
    entry_id, kind, _, created, modified, *version = row
    if kind == tree.FILE:
        return File(entry_id, path, Version(*version))
    return Folder(entry_id, path, created, modified)


def to_version(row: Sequence[Any]) -> Version:
    """A version from a row of number, digest, size, modified, created, owner."""
    number, digest, size, modified, created, owner = row
    return Version(number, digest.hex(), size, modified, created, owner)


def entry(db: Connection, path: str) -> Entry:
    """The entry at a path. Raises NotFound."""
    return by_id(db, tree.find(db, path).id, path)


def by_id(db: Connection, entry_id: int, path: str) -> Entry:
    """The entry of that id, which lies at `path`."""
    row = db.execute(SELECT + "WHERE e.id = ?1", (entry_id,)).fetchone()
    return to_entry(row, path)


def make_folder(db: Connection, path: str, now: int) -> Folder:
    """The folder at a path, made with its parents where missing. Raises Conflict."""
    made = by_id(db, tree.make_folder(db, path, now), path)
    if isinstance(made, File):
        raise NotFound()
    return made


def move(db: Connection, path: str, to: str, now: int) -> Entry:
    """Give an entry another path. Raises NotFound, Conflict, BadRequest for the root, BadName."""
    found = tree.find(db, path)
    if found.id == tree.ROOT:
        raise BadRequest("The top folder can't be moved.")
    if path == to:
        raise Conflict("It is there already.")
    if to.startswith(f"{path}/"):
        raise Conflict("A folder can't be moved into itself.")
    _check_free(db, to)
    check_paths(db, found.id, to)
    folder_id = tree.make_folder(db, names.parent_of(to), now)
    tree.detach(db, found.id, now)
    tree.attach(db, found.id, folder_id, names.name_of(to), now)
    return by_id(db, found.id, to)


def check_paths(db: Connection, entry_id: int, path: str) -> None:
    """Raise BadName when something at or below an entry would get too long a path at `path`."""
    longest = tree.longest_below(db, entry_id)
    check_length(len(path.encode()) + longest)


def _check_free(db: Connection, path: str) -> None:
    """Raise Conflict when a path is taken, or a file stands on the way to it."""
    tree.folder_so_far(db, names.parent_of(path))
    if tree.look_up(db, path) is not None:
        raise Conflict(f"There is something at {names.shown(path)} already.")
