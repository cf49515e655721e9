"""The rows of sessions and tokens, under the hash of their secret; units of SQL on a connection."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain.model import Account, Role, Session
from fileshare.errors import NotFound

_COLUMNS: Final = (
    "sessions.id, sessions.account_id, sessions.kind, sessions.name,"
    " sessions.created, sessions.expires, sessions.used, sessions.address"
)


def add(db: Connection, session: Session, secret_hash: bytes) -> Session:
    """Insert a session of an enabled account. Raises NotFound."""
    cursor = db.execute(
        "INSERT INTO sessions (secret_hash, account_id, kind, name, created, expires, used, address)"
        " SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8 FROM accounts"
        " WHERE id = ?2 AND id != 0 AND enabled = 1 AND deleted IS NULL",
        (
            secret_hash,
            session.account_id,
            session.kind,
            session.name,
            session.created,
            session.expires,
            session.used,
            session.address,
        ),
    )
    if not cursor.rowcount:
        raise NotFound("The account is disabled or deleted.")
    return _find(db, cursor.lastrowid or 0)


def of_secret(db: Connection, secret_hash: bytes, now: int) -> tuple[Session, Account]:
    """A session whose time is not over, and its enabled account. Raises NotFound."""
    row = db.execute(
        f"SELECT {_COLUMNS}, accounts.name, role, enabled, default_password, accounts.created, last_login"  # noqa: S608
        " FROM sessions JOIN accounts ON accounts.id = sessions.account_id"
        " WHERE secret_hash = ?1 AND expires > ?2 AND enabled = 1 AND deleted IS NULL",
        (secret_hash, now),
    ).fetchone()
    if row is None:
        raise NotFound("There is no such session.")
    session = Session(*row[:8])
    name, role, enabled, default_password, created, last_login = row[8:]
    account = Account(
        session.account_id, name, Role(role), bool(enabled), bool(default_password), created, last_login
    )
    return session, account


def of_account(db: Connection, account_id: int) -> Sequence[Session]:
    """The newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM sessions WHERE account_id = ?1 ORDER BY id DESC",  # noqa: S608 (a constant)
        (account_id,),
    )
    return [Session(*row) for row in rows]


def touch(db: Connection, session_id: int, now: int, expires: int) -> None:
    """Its last use and its new end."""
    db.execute("UPDATE sessions SET used = ?2, expires = ?3 WHERE id = ?1", (session_id, now, expires))


def end(db: Connection, session_id: int) -> None:
    """Nothing happens when there is none."""
    db.execute("DELETE FROM sessions WHERE id = ?1", (session_id,))


def end_all(db: Connection, account_id: int, keep: int | None = None) -> int:
    """All of the account's but `keep`."""
    cursor = db.execute("DELETE FROM sessions WHERE account_id = ?1 AND id IS NOT ?2", (account_id, keep))
    return cursor.rowcount


def expire(db: Connection, now: int) -> Sequence[tuple[int, int]]:
    """Those whose time is over, as account id and session id."""
    return db.execute("DELETE FROM sessions WHERE expires <= ?1 RETURNING account_id, id", (now,)).fetchall()


def _find(db: Connection, session_id: int) -> Session:
    row: Sequence[Any] = db.execute(
        f"SELECT {_COLUMNS} FROM sessions WHERE id = ?1",  # noqa: S608 (a constant)
        (session_id,),
    ).fetchone()
    return Session(*row)
