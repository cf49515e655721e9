"""Who asks: a browser's session, a bearer token, or Basic; found once per request, for all routes.

Finding somebody is not allowing anything: the services check that. A request with
credentials that are wrong is refused, never treated as nobody's.
"""

import itertools
import secrets
from dataclasses import replace

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door
from fileshare.errors import AuthFailed, AuthRequired
from fileshare.logs import Origin, origin
from fileshare.web.basic import BASIC
from fileshare.web.keys import CALLER, services_of
from fileshare.web.origin import address_of, is_forwarded, is_secure
from fileshare.web.running import RUNNING

PROGRAM_PATHS = ("/api/", "/tus/", "/files/", "/metrics")
"""Where tokens and Basic serve; pages take the session alone."""

PUBLIC_PATHS = ("/static/", "/healthz")
"""What is the same for everyone, so that nobody's session is looked up for it."""

SESSION_SECRET: web.RequestKey[str] = web.RequestKey("session_secret", str)
"""The cookie's secret where a living session was found by it: the one case in which a browser acts
by itself and CSRF is possible."""

_numbers = itertools.count(secrets.randbits(31))
"""Of requests, for the log, from chance on: random bits for each one cost a system call."""


def cookie_name(request: web.Request) -> str:
    """Under TLS the prefix makes browsers refuse one that another host or plain HTTP set (RFC 6265bis)."""
    return "__Host-fileshare" if is_secure(request) else "fileshare"


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks and let the log lines of this request say so."""
    # Never taken back: each request is a task of its own, and the middlewares around this one log too.
    whence = Origin(address=address_of(request), connection=f"{next(_numbers):08x}")
    origin.set(whence)
    caller = None if request.path.startswith(PUBLIC_PATHS) else await _find(request)
    if caller is None:
        return await handler(request)
    async with request.app[RUNNING].known(request, caller):
        request[CALLER] = caller
        origin.set(replace(whence, account=caller.account.name))
        return await handler(request)


async def _find(request: web.Request) -> Caller | None:
    header = request.headers.get("Authorization")
    if header is not None and request.path.startswith(PROGRAM_PATHS):
        return await _by_header(request, header)
    secret = request.cookies.get(cookie_name(request))
    if secret:
        try:
            caller = await _by_secret(request, secret, "session")
        except AuthFailed:
            pass  # a session that ended is nobody's: the page then leads to the login
        else:
            request[SESSION_SECRET] = secret
            return caller
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


def member_of(request: web.Request) -> Caller:
    """Who asks, with an account of their own. Raises AuthRequired, also for anonymous."""
    caller = caller_of(request)
    if caller.account.id == ANONYMOUS_ID:
        raise AuthRequired()
    return caller


def uses_cookie(request: web.Request) -> bool:
    """Whether the caller is known by a cookie, which a browser sends by itself: then CSRF is possible."""
    return SESSION_SECRET in request
