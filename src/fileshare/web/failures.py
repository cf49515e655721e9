"""Every failure becomes one answer: JSON for programs, a page for people, never a traceback."""

import json
import logging
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.errors import AuthRequired, FileshareError, TooManyAttempts
from fileshare.web.bodies import TooSlow
from fileshare.web.middleware import BEGUN, STRICT_HEADERS
from fileshare.web.notices import PARAMETER
from fileshare.web.origin import local_url
from fileshare.web.redirects import LANDING, page_before
from fileshare.web.rendering import render
from fileshare.web.statuses import status_of, told_of

BEARER = 'Bearer realm="fileshare"'
BASIC = 'Basic realm="fileshare", charset="UTF-8"'

BROWSER_HEADERS = ("Sec-Fetch-Mode", "Origin", "X-CSRF-Token", "X-Requested-With")
"""What a browser sends by itself, or our modules in it: offered Basic, it would open a dialog of its own."""

KEPT_HEADERS = ("Allow", "Accept", "Retry-After")
"""What else a refusal of the HTTP library's own says."""

_log = logging.getLogger("fileshare.web")


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser asks, not a program."""
    accepts = "text/html" in request.headers.get("Accept", "")
    return accepts and not request.path.startswith(("/api/", "/tus/"))


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer, unless one has begun: then only the cut can tell."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _library_refusal(request, error)
    except ConnectionError:
        return _cut(request)  # the client has gone
    except Exception as error:
        _log_failure(request, error)
        return _cut(request) if BEGUN in request else _refusal(request, error)


def _log_failure(request: web.Request, error: Exception) -> None:
    if not isinstance(error, FileshareError | TimeoutError):
        _log.exception("%s %s failed", request.method, request.path)
    elif BEGUN in request:
        _log.warning("%s %s was cut: %s", request.method, request.path, error)


def _cut(request: web.Request) -> web.StreamResponse:
    """End the connection so that what was sent can't look whole."""
    if request.transport is not None:
        request.transport.abort()
    request.protocol.force_close()
    return request.get(BEGUN) or web.Response(status=400)


def _refusal(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, AuthRequired) and wants_page(request):
        return web.Response(status=303, headers={"Location": _login_url(request)})
    if isinstance(error, TimeoutError | TooSlow):
        return _too_slow(request)
    if isinstance(error, FileshareError):
        response = _answer(request, error.code, error.message, status_of(error))
        if isinstance(error, TooManyAttempts):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    return _answer(request, "error", "Something went wrong here; the server's log says what.", 500)


def _too_slow(request: web.Request) -> web.Response:
    """The rest of the body is not waited for, so that nothing can follow it."""
    response = _answer(request, *told_of(408, ""), 408)
    response.force_close()
    return response


def refused_unread(status: int, code: str, message: str) -> web.Response:
    """For what never became a request: nobody knows what it accepts, and nothing of ours has seen it."""
    response = web.Response(
        text=_told(code, message), status=status, content_type="application/json", headers=STRICT_HEADERS
    )
    response.headers["Server"] = "fileshare"
    response.force_close()
    return response


def _library_refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    """What the HTTP library refuses by itself, such as an unknown path."""
    response = _answer(request, *told_of(error.status, error.reason), error.status)
    response.headers.update({name: error.headers[name] for name in KEPT_HEADERS if name in error.headers})
    return response


def _login_url(request: web.Request) -> str:
    """The login page, which leads back here: a path of ours and nothing else.

    A change can't be led back to: it says that nothing was done, and leads to the page that it came from.
    """
    if request.method in ("GET", "HEAD"):
        return local_url(request, f"/login?next={quote(request.path_qs, safe='/')}")
    back = quote(page_before(request) or LANDING, safe="/")
    return local_url(request, f"/login?next={back}&{PARAMETER}=session_over")


def _answer(request: web.Request, code: str, message: str, status: int) -> web.Response:
    if wants_page(request):
        context = {"code": code, "message": message, "status": status, "back": page_before(request)}
        response = render(request, "error.html", context, status=status)
    else:
        response = web.Response(text=_told(code, message), status=status, content_type="application/json")
    if status == 401:
        for challenge in challenges(request):
            response.headers.add("WWW-Authenticate", challenge)
    return response


def _told(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}})


def challenges(request: web.Request) -> tuple[str, ...]:
    """How to log in (RFC 9110, 11.6.1)."""
    by_browser = any(name in request.headers for name in BROWSER_HEADERS)
    return (BEARER,) if by_browser else (BEARER, BASIC)
