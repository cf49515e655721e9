"""The trash: what was deleted, until it is put back or purged (see `purging`)."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.domain.model import Entry, Trashed
from fileshare.errors import BadRequest, NotFound
from fileshare.services.ports import Usage
from fileshare.storage.free_names import free_path
from fileshare.storage.sqlite import entry_rows, tree

_SELECT: Final = (
    "SELECT t.id, t.path, e.kind, t.size, t.deleted, a.name FROM trash AS t"
    " JOIN entries AS e ON e.id = t.entry_id JOIN accounts AS a ON a.id = t.account_id"
)

_SIZE: Final = (
    f"{tree.ALL_BELOW} SELECT sum(v.size)"  # noqa: S608 (constants)
    " FROM tree JOIN versions AS v ON v.entry_id = tree.id"
)
_USAGE: Final = (
    "WITH RECURSIVE tree (id) AS (SELECT entry_id FROM trash UNION ALL"
    " SELECT child.id FROM tree JOIN entries AS child ON child.parent_id = tree.id)"
    " SELECT (SELECT count(*) FROM entries WHERE kind = 1), (SELECT sum(size) FROM entries WHERE kind = 1),"
    " (SELECT sum(size) FROM versions), (SELECT sum(size) FROM trash),"
    " (SELECT sum(size) FROM trash WHERE doomed = 0),"
    " count(*), sum(e.size) FROM tree JOIN entries AS e ON e.id = tree.id AND e.kind = 1"
)


def trash(db: Connection, path: str, account_id: int, now: int) -> Trashed:
    """Move an entry to the trash. Raises NotFound; BadRequest for the root."""
    found = tree.find(db, path)
    if found.id == tree.ROOT:
        raise BadRequest("The top folder can't be deleted.")
    tree.detach(db, found.id, now)
    (size,) = db.execute(_SIZE, (found.id,)).fetchone()
    inserted = db.execute(
        "INSERT INTO trash (entry_id, path, size, deleted, account_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        (found.id, path, size or 0, now, account_id),
    )
    row = db.execute(_SELECT + " WHERE t.id = ?1", (inserted.lastrowid,)).fetchone()
    return _to_trashed(row)


def trashed(db: Connection) -> Sequence[Trashed]:
    """What is in the trash, the newest first."""
    return [
        _to_trashed(row)
        for row in db.execute(_SELECT + " WHERE t.doomed = 0 ORDER BY t.deleted DESC, t.id DESC")
    ]


def untrash(db: Connection, trash_id: int, now: int) -> Entry:
    """Put an entry back at its path, or beside what took it. Raises NotFound, Conflict, BadName."""
    row = db.execute("SELECT entry_id, path FROM trash WHERE id = ?1 AND doomed = 0", (trash_id,)).fetchone()
    if row is None:
        raise NotFound("That is no longer in the trash.")
    entry_id, path = row
    folder, name = names.parent_of(path), names.name_of(path)
    folder_id, missing = tree.folder_so_far(db, folder)
    if not missing and tree.child(db, folder_id, name) is not None:
        name = free_path(folder, name, lambda other: tree.child(db, folder_id, other) is not None)
    path = names.join(folder, name)
    entry_rows.check_paths(db, entry_id, path)
    tree.attach(db, entry_id, tree.make_folder(db, folder, now), name, now)
    db.execute("DELETE FROM trash WHERE id = ?1", (trash_id,))
    return entry_rows.by_id(db, entry_id, path)


def usage(db: Connection) -> Usage:
    """Sums of all versions: the current ones, older ones, and what is in the trash."""
    row = db.execute(_USAGE).fetchone()
    files, current, versions, in_trash, told, trashed_files, trashed_current = (value or 0 for value in row)
    live = current - trashed_current
    return Usage(files=files - trashed_files, current=live, versions=versions - in_trash - live, trash=told)


def _to_trashed(row: Sequence[Any]) -> Trashed:
    trash_id, path, kind, size, deleted, deleted_by = row
    return Trashed(trash_id, path, "file" if kind == tree.FILE else "folder", size, deleted, deleted_by)
