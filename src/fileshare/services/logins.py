"""Proving who someone is by name and password.

In this order: the limiter, then one hash at the same cost whether or not there is such
an account, then everything that may refuse it. Callers learn only that it failed; the
reason stands in the log and the audit trail.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from fileshare.domain.accounts import fold, parse_name
from fileshare.domain.addresses import is_loopback
from fileshare.domain.model import Account, Door
from fileshare.errors import AuthFailed, BadName, FileshareError, NotFound, TooManyAttempts
from fileshare.logs import on_behalf_of
from fileshare.services.audit import Audit
from fileshare.services.limiter import Attempt, Limiter
from fileshare.services.passwords import Passwords
from fileshare.services.ports import AccountStore, Login
from fileshare.services.sessions import Sessions

NOT_FROM_THERE: Final = (
    "the default password works on this machine only; "
    "set another with `fileshare user passwd admin` or FILESHARE_ADMIN_PASSWORD"
)
"""What the log says of a login that was refused for it."""

LOGS: Mapping[Door, logging.Logger] = MappingProxyType(
    {
        Door.TCP: logging.getLogger("fileshare.server"),
        Door.WEB: logging.getLogger("fileshare.web"),
        Door.COMMAND: logging.getLogger("fileshare.server"),
    }
)
"""The log of each door."""

_log = logging.getLogger("fileshare.database")


class Logins:
    """Checks passwords for both doors."""

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        limiter: Limiter,
        audit: Audit,
        *,
        sessions: Sessions,
        clock: Callable[[], int],
        default_password_allowed: bool,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._limiter = limiter
        self._audit = audit
        self._sessions = sessions
        self._clock = clock
        self._default_password_allowed = default_password_allowed

    def check_place(self, account: Account, address: str, *, forwarded: bool) -> None:
        """Raises AuthFailed where the account has the default password and the address is not our own."""
        if not self._works_here(account, address, forwarded=forwarded):
            _log.warning("A session was refused: %s", NOT_FROM_THERE)
            raise AuthFailed()

    def _works_here(self, account: Account, address: str, *, forwarded: bool) -> bool:
        if not account.default_password:
            return True
        return self._default_password_allowed and not forwarded and is_loopback(address)

    async def prove(
        self, name: str, password: str, *, action: str, address: str, door: Door, forwarded: bool
    ) -> Account:
        """The enabled account of that name and password, as it is now.

        `action` names what it is for in the audit trail. Raises AuthFailed, TooManyAttempts.
        """
        endings = self._sessions.endings
        attempt = await self._admit(name, action, address, door)
        try:
            login = await self._find(name)
            check = self._passwords.check(password, login.password_hash if login else None, attempt.line)
            attempt.follow(check)
            right = await asyncio.shield(check)
            reason = self._refusal(login, right, address, forwarded=forwarded)
            if login is None or reason:
                attempt.fail()
                raise self._refuse(login, reason, action, address, door)
            attempt.succeed()
        finally:
            attempt.close()
        account = await self._note_login(login.account)
        # Last, and nothing awaited after it: the door that gets the account hears of later changes itself.
        if self._sessions.changed_since(account.id, endings):
            raise self._refuse(login, "the account was changed meanwhile", action, address, door)
        self._audit.note(None, action, account=account.name, address=address, door=door)
        return account

    async def _admit(self, name: str, action: str, address: str, door: Door) -> Attempt:
        key = _key(name)
        try:
            return await self._limiter.admit(key, address)
        except TooManyAttempts as error:
            known = key if self._limiter.is_full(key, address) else ""
            self._audit.note(None, action, outcome=error.code, account=known, address=address, door=door)
            raise

    async def _find(self, name: str) -> Login | None:
        try:
            return await self._store.login(parse_name(name))
        except (BadName, NotFound):
            return None

    def _refusal(self, login: Login | None, right: bool, address: str, *, forwarded: bool) -> str:
        """Why this login is refused; empty when it is not."""
        if login is None:
            return "no such account"
        if not right:
            return "wrong password"
        if not login.account.enabled:
            return "the account is disabled"
        if not self._works_here(login.account, address, forwarded=forwarded):
            return NOT_FROM_THERE
        return ""

    def _refuse(self, login: Login | None, reason: str, action: str, address: str, door: Door) -> AuthFailed:
        """Note why; the error itself says nothing. A name that nobody has is not repeated:
        people type their password there.
        """
        name = login.account.name if login else ""
        self._audit.note(
            None, action, outcome=AuthFailed.code, detail=reason, account=name, address=address, door=door
        )
        with on_behalf_of(account=name, address=address):
            LOGS[door].warning("A %s was refused: %s", action, reason)
        return AuthFailed()

    async def _note_login(self, account: Account) -> Account:
        now = self._clock()
        try:
            await self._store.note_login(account.id, now)
        except FileshareError as error:  # a full disk must not lock out the admin who makes room
            _log.warning("The time of a login could not be written: %s", error.message)
        return replace(account, last_login=now)


def _key(name: str) -> str:
    """What the limiter counts by: the folded name; one key for all names that can't be any account's."""
    try:
        return fold(parse_name(name))
    except BadName:
        return ""
