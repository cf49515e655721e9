"""Accounts, sessions, failures and events in memory: complete, for tests here and in other rings.

Every method does its work without awaiting, so that it is one unit by itself; it looks
first and changes after. It can be told to misbehave at a chosen step (`storage.mishaps`).
"""

import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fileshare.domain.accounts import ANONYMOUS, fold
from fileshare.domain.model import ANONYMOUS_ID, Account, Event, Role, Session
from fileshare.errors import Conflict, NotFound
from fileshare.services.ports import Login
from fileshare.storage.mishaps import Mishaps, reads, writes

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(slots=True)
class _Row:
    """An account as it is now; a deleted one keeps its name for the versions that it made."""

    account: Account
    password_hash: str
    deleted: bool = False


def _no_uploads(account_id: int) -> Sequence[str]:
    """Where nobody keeps uploads there are none."""
    return ()


class MemoryAccounts(Mishaps):
    """`services.ports.AccountStore` in dictionaries.

    `forget_uploads` drops the uploads and receipts of a deleted account from the catalog
    in memory, and returns the uploads' ids.
    """

    def __init__(self, forget_uploads: Callable[[int], Sequence[str]] = _no_uploads) -> None:
        super().__init__()
        self._forget_uploads = forget_uploads
        self._rows: dict[int, _Row] = {ANONYMOUS_ID: _Row(ANONYMOUS, "!")}
        self._sessions: dict[bytes, Session] = {}
        self._last_session_id = 0
        self._failures: list[tuple[str, str, int]] = []
        self._events: list[Event] = []
        self._last_event = 0

    def name_of(self, account_id: int) -> str:
        """The name of any account there ever was, for `MemoryCatalog(owner_name=…)`."""
        return self._rows[account_id].account.name

    # Accounts

    @writes
    async def add(
        self, name: str, role: Role, password_hash: str, default_password: bool, now: int
    ) -> Account:
        """See the port."""
        if any(not row.deleted and fold(row.account.name) == fold(name) for row in self._rows.values()):
            raise Conflict("There is an account of that name already.")
        account = Account(max(self._rows) + 1, name, role, True, default_password, now)
        self._rows[account.id] = _Row(account, password_hash)
        return account

    @reads
    async def login(self, name: str) -> Login:
        """See the port."""
        for row in self._rows.values():
            if row.account.id != ANONYMOUS_ID and not row.deleted and fold(row.account.name) == fold(name):
                return Login(row.account, row.password_hash)
        raise NotFound("There is no account of that name.")

    @reads
    async def account(self, account_id: int) -> Account:
        """See the port."""
        return ANONYMOUS if account_id == ANONYMOUS_ID else self._row(account_id).account

    @reads
    async def accounts(self) -> Sequence[Account]:
        """See the port."""
        found = [row.account for row in self._rows.values() if not row.deleted]
        return sorted((a for a in found if a.id != ANONYMOUS_ID), key=lambda a: fold(a.name))

    @writes
    async def set_password(self, account_id: int, password_hash: str) -> None:
        """See the port."""
        row = self._row(account_id)
        row.account = replace(row.account, default_password=False)
        row.password_hash = password_hash
        self._end_sessions(account_id)

    @writes
    async def set_role(self, account_id: int, role: Role) -> Account:
        """See the port."""
        row = self._row(account_id)
        if role is not Role.ADMIN:
            self._check_not_last_admin(row)
        row.account = replace(row.account, role=role)
        self._end_sessions(account_id)
        return row.account

    @writes
    async def set_enabled(self, account_id: int, enabled: bool) -> Account:
        """See the port."""
        row = self._row(account_id)
        if not enabled:
            self._check_not_last_admin(row)
            self._end_sessions(account_id)
        row.account = replace(row.account, enabled=enabled)
        return row.account

    @writes
    async def delete(self, account_id: int, now: int) -> Sequence[str]:
        """See the port."""
        row = self._row(account_id)
        self._check_not_last_admin(row)
        row.deleted = True
        row.password_hash = "!"  # noqa: S105 (no hash at all)
        self._end_sessions(account_id)
        name = fold(row.account.name)
        self._failures = [failure for failure in self._failures if failure[0] != name]
        return list(self._forget_uploads(account_id))

    @writes
    async def note_login(self, account_id: int, now: int) -> None:
        """See the port."""
        row = self._rows.get(account_id)
        if row is not None:
            row.account = replace(row.account, last_login=now)

    # Sessions

    @writes
    async def add_session(self, session: Session, secret_hash: bytes) -> Session:
        """See the port."""
        if not self._row(session.account_id).account.enabled:
            raise NotFound("The account is disabled.")
        self._last_session_id += 1
        session = replace(session, id=self._last_session_id)
        self._sessions[secret_hash] = session
        return session

    @reads
    async def session(self, secret_hash: bytes, now: int) -> tuple[Session, Account]:
        """See the port."""
        session = self._sessions.get(secret_hash)
        if session is None or session.expires <= now:
            raise NotFound("There is no such session.")
        account = self._row(session.account_id).account
        if not account.enabled:
            raise NotFound("There is no such session.")
        return session, account

    @reads
    async def sessions(self, account_id: int) -> Sequence[Session]:
        """See the port."""
        found = [session for session in self._sessions.values() if session.account_id == account_id]
        return sorted(found, key=lambda session: session.id, reverse=True)

    @writes
    async def touch_session(self, session_id: int, now: int, expires: int) -> None:
        """See the port."""
        for secret_hash, session in self._sessions.items():
            if session.id == session_id:
                self._sessions[secret_hash] = replace(session, used=now, expires=expires)

    @writes
    async def end_session(self, session_id: int) -> None:
        """See the port."""
        self._drop_sessions(lambda session: session.id == session_id)

    @writes
    async def end_sessions(self, account_id: int, keep: int | None = None) -> int:
        """See the port."""
        return self._end_sessions(account_id, keep)

    @writes
    async def expire_sessions(self, now: int) -> Sequence[tuple[int, int]]:
        """See the port."""
        over = [(one.account_id, one.id) for one in self._sessions.values() if one.expires <= now]
        self._drop_sessions(lambda session: session.expires <= now)
        return over

    # Failures

    @writes
    async def note_failures(self, failures: Iterable[tuple[str, str, int]]) -> None:
        """See the port."""
        self._failures += failures

    @writes
    async def clear_failures(self, pairs: Iterable[tuple[str, str]]) -> None:
        """See the port."""
        gone = set(pairs)
        self._failures = [failure for failure in self._failures if failure[:2] not in gone]

    @reads
    async def failures(self, since: int) -> Sequence[tuple[str, str, int]]:
        """See the port."""
        return sorted((f for f in self._failures if f[2] >= since), key=lambda failure: failure[2])

    @writes
    async def forget_failures(self, before: int) -> None:
        """See the port."""
        self._failures = [failure for failure in self._failures if failure[2] >= before]

    # Events

    @writes
    async def add_events(self, events: Iterable[Event]) -> None:
        """See the port."""
        for event in events:
            self._last_event += 1
            self._events.append(replace(event, id=self._last_event))

    @writes
    async def forget_events(self, before: int, limit: int) -> int:
        """See the port."""
        old = sorted((event for event in self._events if event.time < before), key=lambda event: event.time)
        gone = {event.id for event in old[:limit]}
        self._events = [event for event in self._events if event.id not in gone]
        return len(gone)

    @reads
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
        found = [
            event
            for event in reversed(self._events)
            if (before_id is None or event.id < before_id)
            and account in ("", event.account)
            and action in ("", event.action)
            and door in ("", event.door)
            and (since is None or event.time >= since)
            and (until is None or event.time < until)
            and _mentions(event, text)
        ]
        return found[:limit]

    # Within

    def _row(self, account_id: int) -> _Row:
        """The row of an account that can be logged in to. Raises NotFound."""
        row = self._rows.get(account_id)
        if row is None or row.deleted or account_id == ANONYMOUS_ID:
            raise NotFound("There is no such account.")
        return row

    def _check_not_last_admin(self, row: _Row) -> None:
        admins = {
            other.account.id
            for other in self._rows.values()
            if other.account.role is Role.ADMIN and other.account.enabled and not other.deleted
        }
        if admins == {row.account.id}:
            raise Conflict("This is the last enabled admin: make another account an admin first.")

    def _end_sessions(self, account_id: int, keep: int | None = None) -> int:
        return self._drop_sessions(lambda session: session.account_id == account_id and session.id != keep)

    def _drop_sessions(self, ends: Callable[[Session], bool]) -> int:
        ended = [secret_hash for secret_hash, session in self._sessions.items() if ends(session)]
        for secret_hash in ended:
            del self._sessions[secret_hash]
        return len(ended)


def _mentions(event: Event, text: str) -> bool:
    """Whether a text stands in one of the event's own, the case of A to Z apart, as in SQLite."""
    wanted = text.translate(_LOWER)
    own = (event.account, event.action, event.path, event.address, event.detail)
    return any(wanted in piece.translate(_LOWER) for piece in own)
