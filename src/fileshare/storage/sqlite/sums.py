"""Sums of files and bytes, kept beside the rows they are of, so that telling them counts nothing.

What an account's versions hold, the database sums by itself (triggers of the migration);
what changes the current sizes of files says so here, in the same transaction.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Final, NamedTuple

from fileshare.services.ports import Usage
from fileshare.storage.sqlite import tree

_BELOW: Final = (
    f"{tree.ALL_BELOW} SELECT count(*), sum(e.size), sum((SELECT sum(v.size)"  # noqa: S608 (constants)
    " FROM versions AS v WHERE v.entry_id = e.id))"
    " FROM tree JOIN entries AS e ON e.id = tree.id AND e.kind = 1"
)
_USAGE: Final = (
    "SELECT sums.files - t.files, sums.current - t.current, made.bytes - t.size, t.told"
    " FROM sums, (SELECT coalesce(sum(bytes), 0) AS bytes FROM made) AS made,"
    " (SELECT coalesce(sum(files), 0) AS files, coalesce(sum(current), 0) AS current,"
    " coalesce(sum(size), 0) AS size, coalesce(sum(size) FILTER (WHERE doomed = 0), 0) AS told"
    " FROM trash) AS t"
)


class Below(NamedTuple):
    """Of an entry and all below it: how many files, their bytes, and those of all their versions."""

    files: int
    current: int
    size: int


def below(db: Connection, entry_id: int) -> Below:
    """Counted from the rows: what is taken out of sight has its sums from then on."""
    return Below(*(value or 0 for value in db.execute(_BELOW, (entry_id,)).fetchone()))


def change(db: Connection, files: int, current: int) -> None:
    """So many files came, and the bytes of current versions grew by so much; either may be negative."""
    db.execute("UPDATE sums SET files = files + ?1, current = current + ?2", (files, current))


def usage(db: Connection) -> Usage:
    """Of the current versions, older ones, and what is in the trash."""
    files, current, versions, told = db.execute(_USAGE).fetchone()
    return Usage(files=files, current=current, versions=versions - current, trash=told)


def by_owner(db: Connection) -> Mapping[int, int]:
    """Bytes of all versions by the account that made them."""
    return dict(db.execute("SELECT account_id, bytes FROM made WHERE bytes > 0"))
