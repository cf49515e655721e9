"""Basic credentials that were found right, remembered for a while.

In memory alone and under a key of this process; a change of the account forgets them at
once. What is remembered is never more than bcrypt had said.
"""

import binascii
import hashlib
import secrets
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from fileshare.domain.model import Account, Door
from fileshare.errors import AuthFailed
from fileshare.services.accounts import Accounts

BASIC_SECONDS = 300
"""How long a verified credential is remembered, so that bcrypt is not paid at each request."""

MAX_REMEMBERED = 1000
"""Of some hundred bytes each; with more at once the oldest is asked for again."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    account: Account
    until: float


class BasicMemory:
    """Verified Basic credentials, by a keyed digest; gone at any change of their account."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._accounts = accounts
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, _Remembered] = {}
        accounts.on_ended(self._forget)

    def _forget(self, account_id: int, _session_id: int | None) -> None:
        self._known = {key: one for key, one in self._known.items() if one.account.id != account_id}

    async def account(self, credential: str, *, address: str, forwarded: bool) -> Account:
        """The account of a Basic credential, base64 as it came. Raises AuthFailed, TooManyAttempts."""
        key = self._key_of(credential, address, forwarded)
        known = self._known.get(key)
        if known is not None and known.until > self._clock():
            return known.account
        name, password = _parse_basic(credential)
        account = await self._accounts.log_in(
            name, password, address=address, door=Door.WEB, forwarded=forwarded
        )
        # Nothing is awaited between the answer and this, so that no change of the account is missed.
        self._known.pop(key, None)
        while len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = _Remembered(account, self._clock() + BASIC_SECONDS)
        return account

    def _key_of(self, credential: str, address: str, forwarded: bool) -> bytes:
        """The place belongs to it: what is right here may be refused from elsewhere."""
        told = f"{address}\0{forwarded}\0{credential}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(told, key=self._key).digest()


BASIC: web.AppKey[BasicMemory] = web.AppKey("basic", BasicMemory)


def _parse_basic(credential: str) -> tuple[str, str]:
    """Name and password (RFC 7617). Raises AuthFailed."""
    try:
        name, colon, password = b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise AuthFailed() from None
    if not colon:
        raise AuthFailed()
    return name, password
