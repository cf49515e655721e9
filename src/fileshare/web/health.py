"""Whether the service serves, for load balancers and service managers."""

from collections.abc import Callable
from enum import StrEnum

from aiohttp import web


class Health(StrEnum):
    """What `/healthz` says."""

    OK = "ok"
    DRAINING = "draining"
    READ_ONLY = "read-only"
    """The disk reported an error: what is stored is served, nothing more is taken."""


HEALTH: web.AppKey[Callable[[], Health]] = web.AppKey("health")
"""How the application asks for its state."""


async def healthz(request: web.Request) -> web.Response:
    """200 while all is well, 503 while draining or when writes have stopped."""
    health = request.app[HEALTH]()
    return web.json_response({"status": health}, status=200 if health is Health.OK else 503)
