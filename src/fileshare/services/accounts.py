"""Accounts as callers see them: log in and out, users, roles, passwords, sessions.

Both doors and the commands call this. Every change is checked against the table of
roles, noted, and runs to its end although its caller may go away; whatever ends
sessions is told to the doors. There is always one enabled admin.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from fileshare.domain.access import Action
from fileshare.domain.accounts import ANONYMOUS, fold, parse_name
from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door, Role, Session
from fileshare.errors import AuthFailed, BadName, Conflict, FileshareError, Forbidden, NotFound
from fileshare.services.audit import Audit
from fileshare.services.limiter import Limiter
from fileshare.services.logins import Logins
from fileshare.services.password_policy import check_policy
from fileshare.services.passwords import Passwords
from fileshare.services.ports import AccountStore
from fileshare.services.sessions import Ended, Lifetimes, Sessions

FIRST_ADMIN: Final = "admin"
DEFAULT_PASSWORD: Final = "admin123"  # noqa: S105 (documented; works on this machine only, until changed)

T = TypeVar("T")

_log = logging.getLogger("fileshare.database")


class Accounts:
    """Who there is, and who is who. One per process."""

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        limiter: Limiter,
        audit: Audit,
        clock: Callable[[], int],
        *,
        default_password_allowed: bool = True,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """`default_password_allowed` is False where a proxy may stand before a door, whose
        requests all come from this machine: with `trusted_proxies` or `public_url` set.
        """
        self._store = store
        self._passwords = passwords
        self._limiter = limiter
        self._audit = audit
        self._clock = clock
        self._sessions = Sessions(store, clock, lifetimes or Lifetimes())
        self._logins = Logins(
            store,
            passwords,
            limiter,
            audit,
            sessions=self._sessions,
            clock=clock,
            default_password_allowed=default_password_allowed,
        )
        self._running: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Load the failed logins of the last window."""
        await self._limiter.start()

    async def stop(self) -> None:
        """Let changes that are under way end, write what is pending, end the hashing threads."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._passwords.stop()
        await self._limiter.stop()

    def on_ended(self, listener: Ended) -> None:
        """Have `listener` called with an account's id, and a session's or None for all of them.

        It is called from the loop when sessions have ended, also after a change that ends
        none; doors then drop connections and stop transfers. It must not raise.
        """
        self._sessions.on_ended(listener)

    # The first admin

    async def ensure_admin(self, password: str | None = None) -> None:
        """At start: without an enabled admin, create `admin`, by default with the documented password.

        A `password` also takes the place of the documented one where that is still in
        use. Raises BadPassword; Conflict when `admin` is the name of somebody else.
        """
        chosen = password or DEFAULT_PASSWORD
        known = await self._store.accounts()
        if not any(account.role is Role.ADMIN and account.enabled for account in known):
            await self._add_first_admin(chosen)
        elif chosen != DEFAULT_PASSWORD:
            for account in known:
                if account.default_password:
                    await self._store.set_password(
                        account.id, await self._passwords.hash(chosen, account.name)
                    )
                    self._note_change("user_password", account.name, "in place of the default password")

    async def default_password_in_use(self) -> bool:
        """Whether somebody should be told to change it, at start and on the page."""
        return any(account.default_password for account in await self._store.accounts())

    async def _add_first_admin(self, password: str) -> None:
        default = password == DEFAULT_PASSWORD
        if default:
            hashed = await self._passwords.hash_unchecked(password)
        else:
            hashed = await self._passwords.hash(password, FIRST_ADMIN)
        await self._store.add(FIRST_ADMIN, Role.ADMIN, hashed, default, self._clock())
        self._note_change("user_add", FIRST_ADMIN, "first admin")

    # Logging in and out

    def anonymous(self) -> Account:
        """Who callers without a login are where `require_auth` is false."""
        return ANONYMOUS

    async def log_in(
        self, name: str, password: str, *, address: str, door: Door, forwarded: bool = False
    ) -> Account:
        """The account of that name and password. Raises AuthFailed, TooManyAttempts.

        `forwarded` says that the request carries forwarding headers, so that its address
        proves nothing about this machine. Use the account at once: for a session, a token
        or a connection that `on_ended` reaches.
        """
        return await self._logins.prove(
            name, password, action="login", address=address, door=door, forwarded=forwarded
        )

    async def issue_token(self, account: Account, *, name: str, address: str) -> tuple[str, Session]:
        """A token for the client, 30 days. `name` is what its owner reads in the list of sessions.

        Raises AuthFailed when the account was changed since it was proved, Forbidden for anonymous.
        """
        return await self._issue(account, "token", name, address)

    async def open_session(self, account: Account, *, address: str) -> tuple[str, Session]:
        """A session for a browser: 12 h from its last use, 30 days at most. Raises as `issue_token`."""
        return await self._issue(account, "session", "", address)

    async def authenticate(
        self, secret: str, *, address: str, door: Door, forwarded: bool = False
    ) -> tuple[Session, Account]:
        """Whose token or session that is; this use keeps a session alive. Raises AuthFailed."""
        try:
            session, account = await self._sessions.find(secret)
            self._logins.check_place(account, address, forwarded=forwarded)
        except AuthFailed as error:
            self._audit.note(None, "authenticate", outcome=error.code, address=address, door=door)
            raise
        return session, account

    async def log_out(self, caller: Caller) -> None:
        """End the session or token that the caller came with; nothing happens without one."""
        if caller.session_id is not None:
            await self._whole(self._sessions.end(caller.account.id, caller.session_id))
            self._audit.note(caller, "logout")

    async def expire_sessions(self) -> int:
        """End the sessions and tokens whose time is over, and what runs under them; returns how many."""
        return await self._whole(self._sessions.expire())

    async def change_own_password(self, caller: Caller, old: str, new: str) -> Account:
        """Change the caller's password; every session and token of the account ends, this one too.

        Returns the account, from which a new session may be opened at once. Raises
        AuthFailed when `old` is wrong, TooManyAttempts, BadPassword, Forbidden for anonymous.
        """
        if caller.account.id == ANONYMOUS_ID:
            raise Forbidden()
        await asyncio.to_thread(check_policy, new, caller.account.name)
        endings = self._sessions.endings
        proved = await self._logins.prove(
            caller.account.name,
            old,
            action="password_check",
            address=caller.address,
            door=caller.door,
            forwarded=False,
        )
        hashed = await self._passwords.hash(new, proved.name)
        # An admin who resets or disables the account meanwhile has the last word.
        if proved.id != caller.account.id or self._sessions.changed_since(proved.id, endings):
            raise AuthFailed()
        change = partial(self._store.set_password, password_hash=hashed)
        await self._whole(self._change(caller, "password_change", proved, change))
        return await self._store.account(proved.id)

    # Managing users

    async def list(self, caller: Caller) -> Sequence[Account]:
        """All accounts by name. Raises Forbidden."""
        self._audit.check(caller, Action.MANAGE_USERS)
        return await self._store.accounts()

    async def add(self, caller: Caller, name: str, password: str, role: Role = Role.USER) -> Account:
        """A new account. Raises BadName, BadPassword, Conflict when the name is taken, Forbidden."""
        self._audit.check(caller, Action.MANAGE_USERS)
        parsed = parse_name(name)
        hashed = await self._passwords.hash(password, parsed)
        return await self._whole(self._add(caller, parsed, hashed, role))

    async def set_password(self, caller: Caller, name: str, password: str) -> None:
        """Set anyone's password; its sessions end and its failed logins are forgiven.

        Raises BadPassword, NotFound, Forbidden.
        """
        account = await self._managed(caller, name)
        hashed = await self._passwords.hash(password, account.name)
        change = partial(self._store.set_password, password_hash=hashed)
        await self._whole(self._change(caller, "user_password", account, change))

    async def set_role(self, caller: Caller, name: str, role: Role) -> Account:
        """Change a role; the account's sessions end. Raises Conflict for the last enabled admin."""
        account = await self._managed(caller, name)
        if account.role is role:
            return account
        change = partial(self._store.set_role, role=role)
        return await self._whole(self._change(caller, "user_role", account, change, role))

    async def set_enabled(self, caller: Caller, name: str, enabled: bool) -> Account:
        """Enable, or disable and end its sessions. Raises Conflict for the last enabled admin."""
        account = await self._managed(caller, name)
        if account.enabled is enabled:
            return account
        action = "user_enable" if enabled else "user_disable"
        change = partial(self._store.set_enabled, enabled=enabled)
        return await self._whole(self._change(caller, action, account, change))

    async def delete(self, caller: Caller, name: str) -> Sequence[str]:
        """Delete an account: its sessions, tokens and uploads end, its files stay.

        Returns the ids of its uploads, whose parts the caller then discards. Raises
        Conflict for the last enabled admin, NotFound, Forbidden.
        """
        account = await self._managed(caller, name)
        change = partial(self._store.delete, now=self._clock())
        return await self._whole(self._change(caller, "user_delete", account, change))

    # Sessions and tokens, one's own or, for an admin, anyone's

    async def sessions(self, caller: Caller, name: str) -> Sequence[Session]:
        """An account's sessions and tokens, the newest first. Raises NotFound, Forbidden."""
        account = await self._own_or_managed(caller, name)
        return await self._store.sessions(account.id)

    async def end_session(self, caller: Caller, name: str, session_id: int) -> None:
        """End one of them. Raises NotFound when it is none of that account's, Forbidden."""
        account = await self._own_or_managed(caller, name)
        if all(session.id != session_id for session in await self._store.sessions(account.id)):
            raise NotFound("There is no such session.")
        await self._whole(self._sessions.end(account.id, session_id))
        self._audit.note(caller, "session_end", detail=account.name)

    async def end_sessions(self, caller: Caller, name: str, keep: int | None = None) -> int:
        """End all of them but `keep`; returns how many. Raises NotFound, Forbidden."""
        account = await self._own_or_managed(caller, name)
        count = await self._whole(self._end_sessions(account.id, keep))
        self._audit.note(caller, "session_end", detail=f"{account.name}: {count}")
        return count

    # Within

    async def _issue(self, account: Account, kind: str, name: str, address: str) -> tuple[str, Session]:
        if account.id == ANONYMOUS_ID:
            raise Forbidden()
        return await self._sessions.issue(account, kind, name, address)

    async def _managed(self, caller: Caller, name: str) -> Account:
        self._audit.check(caller, Action.MANAGE_USERS)
        try:
            parsed = parse_name(name)
        except BadName:
            raise NotFound("There is no account of that name.") from None
        return (await self._store.login(parsed)).account

    async def _own_or_managed(self, caller: Caller, name: str) -> Account:
        own = caller.account
        if own.id != ANONYMOUS_ID and own.enabled and fold(name) == fold(own.name):
            return own
        return await self._managed(caller, name)

    async def _add(self, caller: Caller, name: str, hashed: str, role: Role) -> Account:
        try:
            account = await self._store.add(name, role, hashed, False, self._clock())
        except Conflict as error:
            self._audit.note(caller, "user_add", outcome=error.code, detail=name)
            raise
        self._limiter.forgive(fold(name))
        self._note_change("user_add", name, role, caller)
        return account

    async def _change(
        self,
        caller: Caller,
        action: str,
        account: Account,
        change: Callable[[int], Awaitable[T]],
        detail: str = "",
    ) -> T:
        """Change the account of that id in the store; then sessions have ended, which is told, and noted."""
        try:
            with self._sessions.ending_all(account.id):
                result = await change(account.id)
        except FileshareError as error:
            self._audit.note(caller, action, outcome=error.code, detail=account.name)
            raise
        self._limiter.forgive(fold(account.name))
        self._note_change(action, account.name, detail, caller)
        return result

    async def _end_sessions(self, account_id: int, keep: int | None) -> int:
        if keep is not None:
            return await self._sessions.end_others(account_id, keep)
        with self._sessions.ending_all(account_id):
            return await self._store.end_sessions(account_id)

    def _note_change(self, action: str, name: str, detail: str = "", caller: Caller | None = None) -> None:
        about = f"{name}: {detail}" if detail else name
        door = "" if caller else Door.COMMAND
        self._audit.note(caller, action, detail=about, door=door)
        _log.info("%s of %s by %s", action, about, caller.account.name if caller else "the server")

    async def _whole(self, change: Coroutine[Any, Any, T]) -> T:
        """Run to the end although the caller may be cancelled: what is committed must also be told."""
        task = asyncio.ensure_future(change)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)
