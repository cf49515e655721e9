"""A change that a browser asks for must come from our own pages.

The token is derived from the session's own secret, so that nothing more is stored and a
new login has a new one. The Origin header is checked besides, where a browser sends it.
"""

import hashlib
import hmac
import secrets
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.errors import Forbidden
from fileshare.web.forms import is_form, read_form
from fileshare.web.identity import SESSION_SECRET, uses_cookie
from fileshare.web.origin import absolute_url, origin_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_PURPOSE = b"fileshare csrf token 1"
_SALT_DIGITS = 16

H = TypeVar("H", bound=Handler)


def csrf_token(request: web.Request) -> str:
    """A token of this browser's session, empty without one.

    Salted anew each time: otherwise the sizes of compressed pages would tell it bit by bit (BREACH).
    """
    if not uses_cookie(request):
        return ""
    salt = secrets.token_hex(_SALT_DIGITS // 2)
    return salt + _signature(request, salt)


def _signature(request: web.Request, salt: str) -> str:
    secret = request[SESSION_SECRET].encode("utf-8", "surrogatepass")
    told = _PURPOSE + salt.encode("utf-8", "surrogatepass")
    return hmac.new(secret, told, hashlib.sha256).hexdigest()


@web.middleware
async def refuse_forged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes from elsewhere, before any handler. Raises Forbidden."""
    await check_change(request, request.method)
    return await handler(request)


async def check_change(request: web.Request, method: str) -> None:
    """Refuse a forged change by `method`, which a header may have put in place of the request's own."""
    if method not in SAFE_METHODS:
        _check_origin(request)
        if uses_cookie(request) and not _checks_itself(request):
            check_token(request, await _told(request))


def checks_token_itself(handler: H) -> H:
    """Mark the handler of a streamed multipart form: it calls `check_token` with the form's first part.

    Only where no header brings the token; the middleware can't read ahead in a stream.
    """
    handler.checks_token_itself = True  # type: ignore[attr-defined]
    return handler


def _checks_itself(request: web.Request) -> bool:
    marked = getattr(request.match_info.handler, "checks_token_itself", False)
    return marked and HEADER not in request.headers and request.content_type == "multipart/form-data"


def check_token(request: web.Request, told: str) -> None:
    """Raises Forbidden unless `told` is a token of the session by which the caller is known."""
    salt, signature = told[:_SALT_DIGITS], told[_SALT_DIGITS:]
    right = _signature(request, salt).encode()
    if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), right):
        raise Forbidden("This page is out of date: load it again and repeat what you did.")


def _check_origin(request: web.Request) -> None:
    """Also without a session: nobody shall be logged in from another site's form.

    And whatever Authorization says: a browser that was asked for Basic once sends it by itself.
    """
    told = request.headers.get("Origin")
    crossed = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    if crossed or (told is not None and told.lower() != origin_of(request)):
        here = absolute_url(request, "/")
        raise Forbidden(f"The request comes from another site: open {here} and try again there.")


async def _told(request: web.Request) -> str:
    """What the request brings as its token; empty when it brings none."""
    if HEADER in request.headers or not is_form(request):
        return request.headers.get(HEADER, "")
    return (await read_form(request)).get(FIELD, "")
