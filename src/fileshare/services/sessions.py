"""Sessions of browsers and tokens of clients: made, recognised, kept alive, ended.

The secret is shown once, to its owner; only its hash is stored, and nothing of it is
logged. Whatever ends sessions is told to the doors, which drop what runs under them.
"""

import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fileshare.domain.model import Account, Session
from fileshare.errors import AuthFailed, FileshareError, NotFound
from fileshare.services.ports import AccountStore

SECRET_BYTES: Final = 32
"""256 random bits: nothing to guess, so a fast hash is enough to store."""

MAX_NAME: Final = 100
"""Characters of what a client calls its token."""

MOST: Final = 1000
"""Sessions of one account, and as many tokens: a script that logs in each time and never out must not
fill the database. The longest unused gives way."""

TOUCH_EVERY: Final = 60_000
"""Milliseconds between two writes of a session's last use: a page of many pictures costs one."""

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR

Ended = Callable[[int, int | None], None]
"""Told the account's id, and the session's or None for all of the account. Must not raise."""

_log = logging.getLogger("fileshare.database")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long proofs of a login last, in milliseconds."""

    idle: int = 12 * HOUR
    """A web session's, from its last use."""
    session: int = 30 * DAY
    """A web session's, used or not."""
    token: int = 30 * DAY


class Sessions:
    """The sessions and tokens of one process, and who wants to know when they end."""

    def __init__(self, store: AccountStore, clock: Callable[[], int], lifetimes: Lifetimes) -> None:
        self._store = store
        self._clock = clock
        self._lifetimes = lifetimes
        self._listeners: list[Ended] = []
        self._changing: Counter[int] = Counter()
        self._changed: dict[int, int] = {}
        self._endings = 0

    def on_ended(self, listener: Ended) -> None:
        """Have `listener` called, from the loop, whenever sessions were ended, after it is durable."""
        self._listeners.append(listener)

    async def issue(self, account: Account, kind: str, name: str, address: str) -> tuple[str, Session]:
        """A new secret and its session. Raises AuthFailed when the account has just been changed."""
        if self._changing[account.id]:
            raise AuthFailed()
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self._clock()
        session = Session(0, account.id, kind, _clean(name), now, 0, now, _clean(address))
        session = replace(session, expires=self._end_of(session, now))
        endings = self._endings
        try:
            session = await self._store.add_session(session, _hash(secret))
            while endings != self._endings:  # perhaps this one ended before anyone could be told
                endings = self._endings
                await self._store.session(_hash(secret), now)
        except NotFound:  # changed, disabled or deleted since the login
            raise AuthFailed() from None
        await self._end_surplus(session)
        return secret, session

    async def find(self, secret: str) -> tuple[Session, Account]:
        """The session of a secret, kept alive by this use. Raises AuthFailed.

        It had not ended when this returns: whoever then acts by it at once hears of its end.
        """
        while True:
            endings, now = self._endings, self._clock()
            try:
                session, account = await self._store.session(_hash(secret), now)
            except NotFound:
                raise AuthFailed() from None
            session = await self._keep_alive(session, now)
            if endings == self._endings:
                return session, account

    async def end(self, account_id: int, session_id: int) -> None:
        """End one; durable on return, and told."""
        await self._store.end_session(session_id)
        self._tell(account_id, session_id)

    async def end_others(self, account_id: int, keep: int) -> int:
        """End all of the account's but one; returns how many."""
        ending = [session.id for session in await self._store.sessions(account_id) if session.id != keep]
        count = await self._store.end_sessions(account_id, keep)
        for session_id in ending:
            self._tell(account_id, session_id)
        return count

    async def expire(self) -> int:
        """End those whose time is over, so that no connection outlives its token; returns how many."""
        over = await self._store.expire_sessions(self._clock())
        for account_id, session_id in over:
            self._tell(account_id, session_id)
        return len(over)

    @contextmanager
    def ending_all(self, account_id: int) -> Iterator[None]:
        """Around a store's change that ends all of an account's sessions.

        A login that is being checked meanwhile proves nothing about the account as it
        is then, see `changed_since`. Listeners are told when the block succeeds.
        """
        self._changing[account_id] += 1
        try:
            yield
        finally:
            self._changing[account_id] -= 1
            if not self._changing[account_id]:
                del self._changing[account_id]
        self._tell(account_id, None)

    @property
    def endings(self) -> int:
        """How often anything was ended; for `changed_since`."""
        return self._endings

    def changed_since(self, account_id: int, endings: int) -> bool:
        """Whether all of the account's sessions were ended since then, or are just being ended."""
        return bool(self._changing[account_id]) or self._changed.get(account_id, 0) > endings

    async def _end_surplus(self, new: Session) -> None:
        """Of the same kind, the longest unused first; those that nobody has used since are the oldest."""
        held = [
            session
            for session in await self._store.sessions(new.account_id)
            if session.kind == new.kind and session.id != new.id
        ]
        held.sort(key=lambda session: (session.used, session.id))
        for session in held[: max(len(held) + 1 - MOST, 0)]:
            _log.info("A %s of account %d gives way to a newer one", session.kind, new.account_id)
            await self.end(new.account_id, session.id)

    def _end_of(self, session: Session, now: int) -> int:
        if session.kind == "token":
            return session.created + self._lifetimes.token
        return min(now + self._lifetimes.idle, session.created + self._lifetimes.session)

    async def _keep_alive(self, session: Session, now: int) -> Session:
        if now - session.used < TOUCH_EVERY:
            return session
        used = replace(session, used=now, expires=self._end_of(session, now))
        try:
            await self._store.touch_session(used.id, used.used, used.expires)
        except FileshareError as error:  # a full disk must not lock out the admin who makes room
            _log.warning("The last use of a session could not be written: %s", error.message)
        return used

    def _tell(self, account_id: int, session_id: int | None) -> None:
        self._endings += 1
        if session_id is None:
            self._changed[account_id] = self._endings
        for listener in self._listeners:
            listener(account_id, session_id)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _clean(text: str) -> str:
    return text[:MAX_NAME].encode("utf-8", "backslashreplace").decode()
