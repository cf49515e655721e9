"""The rows of accounts: units of SQL on a connection, each run whole in one transaction.

There is always one enabled admin: the rule is checked here, in the transaction of the
change, so that two changes at once can't both find another admin left.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain.accounts import fold
from fileshare.domain.model import ANONYMOUS_ID, Account, Role
from fileshare.errors import Conflict, NotFound
from fileshare.services.ports import Login
from fileshare.storage.sqlite import failure_rows, session_rows

_COLUMNS: Final = "id, name, role, enabled, default_password, created, last_login"

_NOBODY: Final = "!"
"""In the place of a hash: no password has it."""


def to_account(row: Sequence[Any]) -> Account:
    """An account from a row of id, name, role, enabled, default password, created, last login."""
    account_id, name, role, enabled, default_password, created, last_login = row
    return Account(account_id, name, Role(role), bool(enabled), bool(default_password), created, last_login)


def add(
    db: Connection, name: str, role: Role, password_hash: str, *, default_password: bool, now: int
) -> Account:
    """Insert an account. Raises Conflict when its name is taken."""
    folded = fold(name)
    taken = db.execute("SELECT 1 FROM accounts WHERE folded = ?1 AND deleted IS NULL", (folded,))
    if taken.fetchone():
        raise Conflict("There is an account of that name already.")
    cursor = db.execute(
        "INSERT INTO accounts (name, folded, role, password_hash, enabled, default_password, created)"
        " VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)",
        (name, folded, role.value, password_hash, default_password, now),
    )
    return find(db, cursor.lastrowid or 0)


def login(db: Connection, name: str) -> Login:
    """The account of that name, and its hash. Raises NotFound."""
    row = db.execute(
        f"SELECT password_hash, {_COLUMNS} FROM accounts"  # noqa: S608 (a constant)
        " WHERE folded = ?1 AND deleted IS NULL AND id != ?2",
        (fold(name), ANONYMOUS_ID),
    ).fetchone()
    if row is None:
        raise NotFound("There is no account of that name.")
    return Login(to_account(row[1:]), row[0])


def find(db: Connection, account_id: int) -> Account:
    """The account of that id, not a deleted one. Raises NotFound."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM accounts WHERE id = ?1 AND deleted IS NULL",  # noqa: S608 (a constant)
        (account_id,),
    ).fetchone()
    if row is None:
        raise NotFound("There is no such account.")
    return to_account(row)


def all_by_name(db: Connection) -> Sequence[Account]:
    """All but deleted ones and the anonymous one."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM accounts"  # noqa: S608 (a constant)
        " WHERE deleted IS NULL AND id != ?1 ORDER BY folded",
        (ANONYMOUS_ID,),
    )
    return [to_account(row) for row in rows]


def set_password(db: Connection, account_id: int, password_hash: str) -> None:
    """Another hash, no default password, no sessions."""
    _find_owned(db, account_id)
    db.execute(
        "UPDATE accounts SET password_hash = ?2, default_password = 0 WHERE id = ?1",
        (account_id, password_hash),
    )
    session_rows.end_all(db, account_id)


def set_role(db: Connection, account_id: int, role: Role) -> Account:
    """Another role, no sessions. Raises Conflict for the last enabled admin."""
    account = _find_owned(db, account_id)
    if role is not Role.ADMIN:
        _check_not_last_admin(db, account)
    db.execute("UPDATE accounts SET role = ?2 WHERE id = ?1", (account_id, role.value))
    session_rows.end_all(db, account_id)
    return find(db, account_id)


def set_enabled(db: Connection, account_id: int, enabled: bool) -> Account:
    """Enabled, or disabled and without sessions. Raises Conflict for the last enabled admin."""
    account = _find_owned(db, account_id)
    if not enabled:
        _check_not_last_admin(db, account)
        session_rows.end_all(db, account_id)
    db.execute("UPDATE accounts SET enabled = ?2 WHERE id = ?1", (account_id, enabled))
    return find(db, account_id)


def delete(db: Connection, account_id: int, now: int) -> Sequence[str]:
    """Everything of the account but its files goes; its row stays, to name who made them."""
    account = _find_owned(db, account_id)
    _check_not_last_admin(db, account)
    uploads = [row[0] for row in db.execute("SELECT id FROM uploads WHERE owner_id = ?1", (account_id,))]
    db.execute("DELETE FROM uploads WHERE owner_id = ?1", (account_id,))
    db.execute("DELETE FROM receipts WHERE owner_id = ?1", (account_id,))
    session_rows.end_all(db, account_id)
    failure_rows.clear_account(db, fold(account.name))
    db.execute(
        "UPDATE accounts SET deleted = ?2, enabled = 0, default_password = 0, password_hash = ?3"
        " WHERE id = ?1",
        (account_id, now, _NOBODY),
    )
    return uploads


def note_login(db: Connection, account_id: int, now: int) -> None:
    """Nothing happens when the account is gone."""
    db.execute("UPDATE accounts SET last_login = ?2 WHERE id = ?1", (account_id, now))


def _find_owned(db: Connection, account_id: int) -> Account:
    """An account that somebody owns. Raises NotFound."""
    if account_id == ANONYMOUS_ID:
        raise NotFound("There is no such account.")
    return find(db, account_id)


def _check_not_last_admin(db: Connection, account: Account) -> None:
    if account.role is not Role.ADMIN or not account.enabled:
        return
    another = db.execute(
        "SELECT 1 FROM accounts WHERE role = ?1 AND enabled = 1 AND deleted IS NULL AND id != ?2 LIMIT 1",
        (Role.ADMIN.value, account.id),
    )
    if another.fetchone() is None:
        raise Conflict("This is the last enabled admin: make another account an admin first.")
