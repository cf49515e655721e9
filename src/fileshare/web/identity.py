"""Who asks: a browser's session, a bearer token, or Basic; found once per request, for all routes.

Finding somebody is not allowing anything: the services check that. A request with
credentials that are wrong is refused, never treated as nobody's.
"""

import binascii
import hashlib
import secrets
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.domain.model import Account, Caller, Door
from fileshare.errors import AuthFailed, AuthRequired
from fileshare.logs import on_behalf_of
from fileshare.services.accounts import Accounts
from fileshare.web.keys import CALLER, services_of
from fileshare.web.origin import address_of, is_forwarded, is_secure

PROGRAM_PATHS = ("/api/", "/tus/", "/files/", "/metrics")
"""Where tokens and Basic serve; pages take the session alone."""

BASIC_SECONDS = 300
"""How long a verified Basic credential is remembered, so that bcrypt is not paid at each request."""

MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Remembered:
    account: Account
    until: float


class BasicMemory:
    """Verified Basic credentials, by a keyed digest; gone at any change of their account."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float]) -> None:
        self._accounts = accounts
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, _Remembered] = {}
        accounts.on_ended(self._forget)

    def _forget(self, account_id: int, _session_id: int | None) -> None:
        self._known = {key: one for key, one in self._known.items() if one.account.id != account_id}

    async def account(self, credential: str, *, address: str, forwarded: bool) -> Account:
        """The account of a Basic credential, base64 as it came. Raises AuthFailed, TooManyAttempts."""
        key = hashlib.blake2b(f"{address}\0{forwarded}\0{credential}".encode(), key=self._key).digest()
        known = self._known.get(key)
        if known is not None and known.until > self._clock():
            return known.account
        name, password = _parse_basic(credential)
        account = await self._accounts.log_in(
            name, password, address=address, door=Door.WEB, forwarded=forwarded
        )
        while len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = _Remembered(account, self._clock() + BASIC_SECONDS)
        return account


def _parse_basic(credential: str) -> tuple[str, str]:
    """Name and password (RFC 7617). Raises AuthFailed."""
    try:
        name, colon, password = b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise AuthFailed() from None
    if not colon:
        raise AuthFailed()
    return name, password


def cookie_name(request: web.Request) -> str:
    """Under TLS the prefix makes browsers refuse one that another host or plain HTTP set (RFC 6265bis)."""
    return "__Host-fileshare" if is_secure(request) else "fileshare"


BASIC: web.AppKey[BasicMemory] = web.AppKey("basic", BasicMemory)


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks and let the log lines of this request say so."""
    caller = await _find(request)
    if caller is not None:
        request[CALLER] = caller
    name = caller.account.name if caller is not None else ""
    with on_behalf_of(account=name, address=address_of(request), connection=secrets.token_hex(4)):
        return await handler(request)


async def _find(request: web.Request) -> Caller | None:
    header = request.headers.get("Authorization", "")
    if header and request.path.startswith(PROGRAM_PATHS):
        return await _by_header(request, header)
    secret = request.cookies.get(cookie_name(request))
    if secret:
        try:
            return await _by_secret(request, secret, "session")
        except AuthFailed:
            pass  # a session that ended is nobody's: the page then leads to the login
    if not services_of(request).settings.require_auth:
        return _caller(request, services_of(request).accounts.anonymous(), None)
    return None


async def _by_header(request: web.Request, header: str) -> Caller:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return await _by_secret(request, value.strip(), "token")
    if scheme.lower() == "basic":
        forwarded, address = is_forwarded(request), address_of(request)
        account = await request.app[BASIC].account(value.strip(), address=address, forwarded=forwarded)
        return _caller(request, account, None)
    raise AuthFailed("Only Bearer and Basic are known as ways to log in here.")


async def _by_secret(request: web.Request, secret: str, kind: str) -> Caller:
    """A cookie holds a session and a bearer header a token: neither serves as the other."""
    session, account = await services_of(request).accounts.authenticate(
        secret, address=address_of(request), door=Door.WEB, forwarded=is_forwarded(request)
    )
    if session.kind != kind:
        raise AuthFailed()
    return _caller(request, account, session.id)


def _caller(request: web.Request, account: Account, session_id: int | None) -> Caller:
    return Caller(account, address_of(request), Door.WEB, "", session_id)


def caller_of(request: web.Request) -> Caller:
    """Who asks. Raises AuthRequired when nobody has logged in."""
    if CALLER not in request:
        raise AuthRequired()
    return request[CALLER]


def uses_cookie(request: web.Request) -> bool:
    """Whether the caller is known by a cookie, which a browser sends by itself: then CSRF is possible."""
    by_header = "Authorization" in request.headers and request.path.startswith(PROGRAM_PATHS)
    return not by_header and cookie_name(request) in request.cookies
