"""The rows of the audit trail, which are added, and go by age alone; units of SQL on a connection."""

import string
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from fileshare.domain.model import Event
from fileshare.storage.sqlite import many_rows

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""What SQLite's lower() does: letters beyond ASCII stay."""

_EVER: Final = 2**63 - 1
"""Above every id and every time."""


def add(db: Connection, events: Sequence[Event]) -> None:
    """Append, in order."""
    many_rows.insert(
        db,
        "INSERT INTO events (time, action, account, path, address, door, outcome, detail)",
        [(e.time, e.action, e.account, e.path, e.address, e.door, e.outcome, e.detail) for e in events],
    )


def forget(db: Connection, before: int, limit: int) -> int:
    """The oldest of those before that time."""
    oldest = "SELECT id FROM events WHERE time < ?1 ORDER BY time LIMIT ?2"
    return db.execute(f"DELETE FROM events WHERE id IN ({oldest})", (before, limit)).rowcount  # noqa: S608 (a constant)


def search(
    db: Connection,
    limit: int,
    *,
    before_id: int | None,
    account: str,
    action: str,
    door: str,
    text: str,
    since: int | None,
    until: int | None,
) -> Sequence[Event]:
    """The newest first. `+time` keeps the planner on the order of ids: sorting all would cost more."""
    rows = db.execute(
        "SELECT time, action, account, path, address, door, outcome, detail, id FROM events"
        " WHERE id < ?2 AND ?3 IN ('', account) AND ?4 IN ('', action) AND ?8 IN ('', door)"
        " AND +time >= ?6 AND +time < ?7"
        " AND (?5 = '' OR instr(lower(account), ?5) OR instr(lower(action), ?5)"
        " OR instr(lower(path), ?5) OR instr(lower(address), ?5) OR instr(lower(detail), ?5))"
        " ORDER BY id DESC LIMIT ?1",
        (
            limit,
            _EVER if before_id is None else before_id,
            account,
            action,
            text.translate(_LOWER),
            -_EVER if since is None else since,
            _EVER if until is None else until,
            door,
        ),
    )
    return [Event(*row) for row in rows]
