"""One line for each request: who asked for what, and what became of it.

The path alone: a query may hold what somebody searches for. Never a header or a body.
"""

import logging
import time

from aiohttp import web
from aiohttp.typedefs import Handler

QUIET = ("/static/", "/healthz", "/metrics")
"""Asked for by machines and with every page: told only to who wants all."""

_log = logging.getLogger("fileshare.web")


@web.middleware
async def note_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log the request when it has been answered; a download's time is that of all its bytes."""
    start = time.perf_counter()
    status = 0
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as redirection:
        status = redirection.status
        raise
    finally:
        level = logging.DEBUG if request.path.startswith(QUIET) else logging.INFO
        spent = (time.perf_counter() - start) * 1000
        _log.log(level, "%s %s %s in %.0f ms", request.method, request.path, status or "cut", spent)
