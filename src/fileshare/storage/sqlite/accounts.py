"""Accounts, sessions, failed logins and the audit trail in SQLite.

Each method is one unit of the `*_rows` modules, run whole in one transaction of
`Database`. No password reaches this ring; hashes and secrets never reach a log.
"""

from collections.abc import Iterable, Sequence

from fileshare.domain.model import Account, Event, Role, Session
from fileshare.services.ports import Login
from fileshare.storage.sqlite import account_rows, event_rows, failure_rows, session_rows
from fileshare.storage.sqlite.database import Database


class SqliteAccounts:
    """`services.ports.AccountStore` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Accounts

    async def add(
        self, name: str, role: Role, password_hash: str, default_password: bool, now: int
    ) -> Account:
        """See the port."""
        return await self._database.run(
            account_rows.add, name, role, password_hash, default_password=default_password, now=now
        )

    async def login(self, name: str) -> Login:
        """See the port."""
        return await self._database.read(account_rows.login, name)

    async def account(self, account_id: int) -> Account:
        """See the port."""
        return await self._database.read(account_rows.find, account_id)

    async def accounts(self) -> Sequence[Account]:
        """See the port."""
        return await self._database.read(account_rows.all_by_name)

    async def set_password(self, account_id: int, password_hash: str) -> None:
        """See the port."""
        await self._database.run(account_rows.set_password, account_id, password_hash)

    async def set_role(self, account_id: int, role: Role) -> Account:
        """See the port."""
        return await self._database.run(account_rows.set_role, account_id, role)

    async def set_enabled(self, account_id: int, enabled: bool) -> Account:
        """See the port."""
        return await self._database.run(account_rows.set_enabled, account_id, enabled)

    async def delete(self, account_id: int, now: int) -> Sequence[str]:
        """See the port."""
        return await self._database.run(account_rows.delete, account_id, now)

    async def note_login(self, account_id: int, now: int) -> None:
        """See the port."""
        await self._database.run(account_rows.note_login, account_id, now)

    # Sessions

    async def add_session(self, session: Session, secret_hash: bytes) -> Session:
        """See the port."""
        return await self._database.run(session_rows.add, session, secret_hash)

    async def session(self, secret_hash: bytes, now: int) -> tuple[Session, Account]:
        """See the port."""
        return await self._database.read(session_rows.of_secret, secret_hash, now)

    async def sessions(self, account_id: int) -> Sequence[Session]:
        """See the port."""
        return await self._database.read(session_rows.of_account, account_id)

    async def touch_session(self, session_id: int, now: int, expires: int) -> None:
        """See the port."""
        await self._database.run(session_rows.touch, session_id, now, expires)

    async def end_session(self, session_id: int) -> None:
        """See the port."""
        await self._database.run(session_rows.end, session_id)

    async def end_sessions(self, account_id: int, keep: int | None = None) -> int:
        """See the port."""
        return await self._database.run(session_rows.end_all, account_id, keep)

    async def expire_sessions(self, now: int) -> Sequence[tuple[int, int]]:
        """See the port."""
        return await self._database.run(session_rows.expire, now)

    # Failed logins

    async def note_failures(self, failures: Iterable[tuple[str, str, int]]) -> None:
        """See the port."""
        await self._database.run(failure_rows.add, list(failures))

    async def clear_failures(self, pairs: Iterable[tuple[str, str]]) -> None:
        """See the port."""
        await self._database.run(failure_rows.clear, list(pairs))

    async def failures(self, since: int) -> Sequence[tuple[str, str, int]]:
        """See the port."""
        return await self._database.read(failure_rows.since, since)

    async def forget_failures(self, before: int) -> None:
        """See the port."""
        await self._database.run(failure_rows.forget, before)

    # The audit trail

    async def add_events(self, events: Iterable[Event]) -> None:
        """See the port."""
        await self._database.run(event_rows.add, list(events))

    async def forget_events(self, before: int, limit: int) -> int:
        """See the port."""
        return await self._database.run(event_rows.forget, before, limit)

    async def events(
        self,
        limit: int,
        *,
        before_id: int | None = None,
        account: str = "",
        action: str = "",
        door: str = "",
        text: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> Sequence[Event]:
        """See the port."""
        return await self._database.read(
            event_rows.search,
            limit,
            before_id=before_id,
            account=account,
            action=action,
            door=door,
            text=text,
            since=since,
            until=until,
        )
