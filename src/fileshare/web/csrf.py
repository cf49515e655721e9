"""A change that a browser asks for must come from our own pages.

The token is derived from the session's own secret, so that nothing more is stored and a
new login has a new one. The Origin header is checked besides, where a browser sends it.
"""

import hashlib
import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.errors import Forbidden
from fileshare.web.identity import cookie_name, uses_cookie
from fileshare.web.origin import origin_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_PURPOSE = b"fileshare csrf token 1"


def csrf_token(request: web.Request) -> str:
    """The token of this browser's session, empty without one."""
    secret = request.cookies.get(cookie_name(request), "")
    return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).hexdigest() if secret else ""


@web.middleware
async def refuse_forged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes from elsewhere, before any handler. Raises Forbidden."""
    if request.method not in SAFE_METHODS:
        _check_origin(request)
        if uses_cookie(request):
            await _check_token(request)
    return await handler(request)


def _check_origin(request: web.Request) -> None:
    """Also without a session: nobody shall be logged in from another site's form."""
    told = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    by_browser = uses_cookie(request) or "Authorization" not in request.headers
    if by_browser and told is not None and told != origin_of(request):
        raise Forbidden("The request comes from another site: open the page here and try again.")
    if by_browser and site == "cross-site":
        raise Forbidden("The request comes from another site: open the page here and try again.")


async def _check_token(request: web.Request) -> None:
    told = request.headers.get(HEADER) or await _from_form(request)
    if not hmac.compare_digest(told.encode(), csrf_token(request).encode()):
        raise Forbidden("This page is out of date: load it again and repeat what you did.")


async def _from_form(request: web.Request) -> str:
    """The form's field. Multipart bodies are streamed, so their handler checks the first part itself."""
    if request.content_type == "application/x-www-form-urlencoded":
        return str((await request.post()).get(FIELD, ""))
    return ""
