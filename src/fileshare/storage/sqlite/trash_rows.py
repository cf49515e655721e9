"""The trash: what was deleted, until it is put back or purged (see `purging`)."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.domain.model import Entry, Trashed
from fileshare.errors import BadRequest, NotFound
from fileshare.storage.free_names import free_path
from fileshare.storage.sqlite import entry_rows, sums, tree

_SELECT: Final = (
    "SELECT t.id, t.path, e.kind, t.size, t.deleted, a.name FROM trash AS t"
    " JOIN entries AS e ON e.id = t.entry_id JOIN accounts AS a ON a.id = t.account_id"
)


def trash(db: Connection, path: str, account_id: int, now: int) -> Trashed:
    """Move an entry to the trash. Raises NotFound; BadRequest for the root."""
    found = tree.find(db, path)
    if found.id == tree.ROOT:
        raise BadRequest("The top folder can't be deleted.")
    tree.detach(db, found.id, now)
    held = sums.below(db, found.id)
    inserted = db.execute(
        "INSERT INTO trash (entry_id, path, size, deleted, account_id, files, current)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (found.id, path, held.size, now, account_id, held.files, held.current),
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


def _to_trashed(row: Sequence[Any]) -> Trashed:
    trash_id, path, kind, size, deleted, deleted_by = row
    return Trashed(trash_id, path, "file" if kind == tree.FILE else "folder", size, deleted, deleted_by)
