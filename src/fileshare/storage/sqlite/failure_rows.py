"""The rows of failed logins, as the limiter counts them; units of SQL on a connection."""

from collections.abc import Sequence
from sqlite3 import Connection


def add(db: Connection, failures: Sequence[tuple[str, str, int]]) -> None:
    """Insert (folded account name, address group, time)."""
    db.executemany("INSERT INTO failures (account, address, time) VALUES (?, ?, ?)", failures)


def clear(db: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Forget those of these (folded account name, address group)."""
    db.executemany("DELETE FROM failures WHERE account = ? AND address = ?", pairs)


def clear_account(db: Connection, account: str) -> None:
    """Forget those of a folded account name."""
    db.execute("DELETE FROM failures WHERE account = ?1", (account,))


def since(db: Connection, time: int) -> Sequence[tuple[str, str, int]]:
    """The oldest first."""
    rows = db.execute(
        "SELECT account, address, time FROM failures WHERE time >= ?1 ORDER BY time, rowid", (time,)
    )
    return [(account, address, at) for account, address, at in rows]


def forget(db: Connection, before: int) -> None:
    """Those older than that."""
    db.execute("DELETE FROM failures WHERE time < ?1", (before,))
