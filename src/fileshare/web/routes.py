"""Every URL of the web door in one table."""

from aiohttp import web

from fileshare.web.assets import Assets
from fileshare.web.health import healthz
from fileshare.web.pages import home


def routes(assets: Assets) -> list[web.AbstractRouteDef]:
    """The table, top to bottom."""
    return [
        web.get("/", home),
        web.get("/healthz", healthz),
        web.static("/static", assets.static),
    ]
