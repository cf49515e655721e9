"""What many small files hold, read by their paths in one go."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain import names
from fileshare.errors import Conflict, Damaged, FileshareError, NotFound, TooLarge
from fileshare.services.ports import SmallContent
from fileshare.storage.sqlite import tree

_SELECT: Final = (
    "SELECT e.kind, v.number, c.digest, v.modified, c.size, c.small, s.data FROM entries AS e"
    " LEFT JOIN versions AS v ON v.entry_id = e.id AND v.number = e.version"
    " LEFT JOIN contents AS c ON c.id = v.content_id"
    " LEFT JOIN small_contents AS s ON s.content_id = c.id"
    " WHERE e.parent_id = ?1 AND e.name = ?2"
)


def small_contents(
    db: Connection, paths: Sequence[str], most: int
) -> Sequence[SmallContent | FileshareError]:
    """What stands at the first of the paths, as `Catalog.small_contents` promises.

    A folder on the way is looked up once: those who fetch many files fetch them folder by folder.
    """
    folders: dict[str, int | None] = {}
    found: list[SmallContent | FileshareError] = []
    size = 0
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = _folder(db, folder)
        outcome = _at(db, folders[folder], name)
        if isinstance(outcome, SmallContent):
            size += len(outcome.data)
            if size > most and found:
                break
        found.append(outcome)
    return found


def _folder(db: Connection, path: str) -> int | None:
    found = tree.look_up(db, path)
    return None if found is None else found.id


def _at(db: Connection, folder_id: int | None, name: str) -> SmallContent | FileshareError:
    row = db.execute(_SELECT, (folder_id, name)).fetchone()
    return NotFound() if row is None else _outcome(row, name)


def _outcome(row: Sequence[Any], name: str) -> SmallContent | FileshareError:
    kind, number, digest, modified, size, small, data = row
    if kind == tree.FOLDER:
        return Conflict(f"{names.shown(name)} is a folder, not a file.")
    if not small:
        return TooLarge(f"{names.shown(name)} is no small file: use DOWNLOAD for it.")
    if data is None or len(data) != size:
        return Damaged()
    return SmallContent(number, digest.hex(), modified, data)
