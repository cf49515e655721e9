"""Accounts, sessions, failed logins and the audit trail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fileshare.domain.model import Account, Event, Role, Session


@dataclass(frozen=True, slots=True)
class Login:
    """An account with what a password check needs. `password_hash` is bcrypt's own text."""

    account: Account
    password_hash: str


class AccountStore(Protocol):
    """Accounts, their sessions and tokens, failed attempts, and the audit trail."""

    async def add(
        self, name: str, role: Role, password_hash: str, default_password: bool, now: int
    ) -> Account:
        """A new account with a new id. Raises Conflict when an account has that name (case folded)."""
        ...

    async def login(self, name: str) -> Login:
        """The account of that name (case folded) with its password hash.

        Raises NotFound, also for the anonymous account, as which nobody logs in.
        """
        ...

    async def account(self, account_id: int) -> Account:
        """The account of that id, the anonymous one too. Raises NotFound; deleted ones are not found."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """All accounts by name, without deleted ones and without the anonymous one."""
        ...

    async def set_password(self, account_id: int, password_hash: str) -> None:
        """Change the password; clears `default_password` and ends every session and token.

        This and the next three raise NotFound, also for the anonymous account.
        """
        ...

    async def set_role(self, account_id: int, role: Role) -> Account:
        """Change the role; ends every session and token. Raises Conflict for the last enabled admin."""
        ...

    async def set_enabled(self, account_id: int, enabled: bool) -> Account:
        """Disable (ends every session and token) or enable. Raises Conflict for the last enabled admin."""
        ...

    async def delete(self, account_id: int, now: int) -> Sequence[str]:
        """Delete: sessions, tokens, uploads and receipts end, files stay. Returns its upload ids.

        Raises Conflict for the last enabled admin. The name may be used again by a new id.
        """
        ...

    async def note_login(self, account_id: int, now: int) -> None:
        """Remember when the account last logged in."""
        ...

    async def add_session(self, session: Session, secret_hash: bytes) -> Session:
        """Store a session or token under the SHA-256 of its secret; returns it with its id.

        Raises NotFound when its account is disabled or deleted.
        """
        ...

    async def session(self, secret_hash: bytes, now: int) -> tuple[Session, Account]:
        """The session of that secret and its enabled account. Raises NotFound, also when expired."""
        ...

    async def sessions(self, account_id: int) -> Sequence[Session]:
        """An account's sessions and tokens, the newest first."""
        ...

    async def touch_session(self, session_id: int, now: int, expires: int) -> None:
        """Remember its last use and its new end."""
        ...

    async def end_session(self, session_id: int) -> None:
        """End one; nothing happens when there is none."""
        ...

    async def end_sessions(self, account_id: int, keep: int | None = None) -> int:
        """End all of an account's sessions and tokens but `keep`; returns how many."""
        ...

    async def expire_sessions(self, now: int) -> Sequence[tuple[int, int]]:
        """Remove those whose time is over; returns of each the account's id and its own."""
        ...

    async def note_failures(self, failures: Iterable[tuple[str, str, int]]) -> None:
        """Remember failed logins as (folded account name, address group, time)."""
        ...

    async def clear_failures(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Forget the failures of these (folded account name, address group): the owner got in."""
        ...

    async def failures(self, since: int) -> Sequence[tuple[str, str, int]]:
        """The failed logins since then, the oldest first, so that the limiter survives a restart."""
        ...

    async def forget_failures(self, before: int) -> None:
        """Forget failures older than that."""
        ...

    async def add_events(self, events: Iterable[Event]) -> None:
        """Append to the audit trail."""
        ...

    async def forget_events(self, before: int, limit: int) -> int:
        """Remove events older than that, at most `limit`, the oldest first; returns how many."""
        ...

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
        """Events, the newest first, that match all of the filters.

        `account`, `action` and `door` are whole; `text` is a piece of account, action, path,
        address or detail, where A to Z are not told from a to z; `since` is included,
        `until` is not.
        """
        ...
