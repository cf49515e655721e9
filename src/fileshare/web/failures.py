"""Every failure becomes one answer: JSON for programs, a page for people, never a traceback."""

import json
import logging
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.errors import AuthRequired, FileshareError, TooManyAttempts
from fileshare.web.origin import local_url
from fileshare.web.statuses import status_of

CHALLENGES = 'Bearer realm="fileshare", Basic realm="fileshare", charset="UTF-8"'

_log = logging.getLogger("fileshare.web")


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser asks, not a program."""
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith(
        ("/api/", "/tus/")
    )


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer, unless one has begun: then only the cut can tell."""
    try:
        return await handler(request)
    except FileshareError as error:
        return _answer(request, error.code, error.message, status_of(error), error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _answer(request, f"http_{error.status}", f"{error.reason}.", error.status)
    except ConnectionError:
        raise
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return _answer(request, "error", "Something went wrong here; the server's log says what.", 500)


def _answer(
    request: web.Request, code: str, message: str, status: int, error: FileshareError | None = None
) -> web.Response:
    if isinstance(error, AuthRequired) and wants_page(request):
        return web.Response(status=303, headers={"Location": _login_url(request)})
    response = _page(request, code, message, status) if wants_page(request) else _json(code, message, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGES
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _login_url(request: web.Request) -> str:
    """The login page, which leads back here: a path of ours and nothing else."""
    back = quote(request.path_qs if request.method == "GET" else "/files/", safe="/")
    return local_url(request, f"/login?next={back}")


def _json(code: str, message: str, status: int) -> web.Response:
    body = json.dumps({"error": {"code": code, "message": message}})
    return web.Response(text=body, status=status, content_type="application/json")


def _page(request: web.Request, code: str, message: str, status: int) -> web.Response:
    context = {"code": code, "message": message, "status": status}
    return aiohttp_jinja2.render_template("error.html", request, context, status=status)
