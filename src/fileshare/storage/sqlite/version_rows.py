"""The versions of files."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from fileshare.domain import names
from fileshare.domain.model import File, Version
from fileshare.domain.versions import may_go
from fileshare.errors import NotFound
from fileshare.services.ports import Content
from fileshare.storage.sqlite import content_rows, entry_rows, sums, tree

_SELECT: Final = (
    "SELECT v.number, c.digest, v.size, v.modified, v.created, a.name"
    " FROM versions AS v JOIN contents AS c ON c.id = v.content_id JOIN accounts AS a ON a.id = v.account_id"
    " WHERE v.entry_id = ?1"
)
_STORED: Final = (
    "SELECT v.number, c.digest, v.size, v.modified, v.created, a.name, c.size, s.data"
    " FROM entries AS e JOIN versions AS v ON v.entry_id = e.id AND v.number = coalesce(?2, e.version)"
    " JOIN contents AS c ON c.id = v.content_id JOIN accounts AS a ON a.id = v.account_id"
    " LEFT JOIN small_contents AS s ON s.content_id = c.id WHERE e.id = ?1"
)

INTO: Final = "INSERT INTO versions (entry_id, number, content_id, size, account_id, modified, created)"
_INSERT: Final = f"{INTO} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
MAKE_CURRENT: Final = "UPDATE entries SET version = ?2, size = ?3, modified = ?4 WHERE id = ?1"


def of_file(db: Connection, path: str) -> Sequence[Version]:
    """All versions of a file, the newest first. Raises NotFound; Conflict for a folder."""
    file_id = tree.find_file(db, path)
    rows = db.execute(_SELECT + " ORDER BY v.number DESC", (file_id,))
    return [entry_rows.to_version(row) for row in rows]


def stored(db: Connection, path: str, number: int | None) -> tuple[Version, Content]:
    """A version, None for the current one, and its content. Raises NotFound; Conflict for a folder."""
    row = db.execute(_STORED, (tree.find_file(db, path), number)).fetchone()
    if row is None:
        raise NotFound(f"{names.shown(path)} has no version {number}.")
    *told, size, data = row
    version = entry_rows.to_version(told)
    return version, Content(version.digest, size, data)


def restore(db: Connection, path: str, number: int, owner_id: int, now: int) -> File:
    """Make an old version's content the next version. Raises NotFound; Conflict for a folder."""
    file_id = tree.find_file(db, path)
    row = db.execute(
        "SELECT v.content_id, v.size, v.modified, e.version + 1, v.size - e.size FROM versions AS v"
        " JOIN entries AS e ON e.id = v.entry_id WHERE v.entry_id = ?1 AND v.number = ?2",
        (file_id, number),
    ).fetchone()
    if row is None:
        raise NotFound(f"The file has no version {number}.")
    content_id, size, modified, next_number, growth = row
    db.execute(_INSERT, (file_id, next_number, content_id, size, owner_id, modified, now))
    db.execute(MAKE_CURRENT, (file_id, next_number, size, modified))
    sums.change(db, files=0, current=growth)
    restored = entry_rows.by_id(db, file_id, path)
    if not isinstance(restored, File):
        raise NotFound()
    return restored


def prune(db: Connection, path: str, keep: int) -> int:
    """Drop all but the newest `keep` versions; returns how many went. Raises NotFound; Conflict."""
    file_id = tree.find_file(db, path)
    rows = db.execute("SELECT number, content_id FROM versions WHERE entry_id = ?1", (file_id,)).fetchall()
    gone = set(may_go((number for number, _ in rows), keep))
    db.executemany(
        "DELETE FROM versions WHERE entry_id = ?1 AND number = ?2", [(file_id, number) for number in gone]
    )
    content_rows.give_up(db, {content_id for number, content_id in rows if number in gone}, now=0)
    return len(gone)


def paths_over(db: Connection, versions: int, limit: int) -> Sequence[str]:
    """Some files outside the trash that have more than so many versions."""
    found: list[str] = []
    rows = db.execute("SELECT entry_id FROM versions GROUP BY entry_id HAVING count(*) > ?1", (versions,))
    for (file_id,) in rows:
        top, path = tree.way_to(db, file_id)
        if top == tree.ROOT:
            found.append(path)
        if len(found) == limit:
            break
    rows.close()
    return found
