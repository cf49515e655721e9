"""The pages that people see."""

import aiohttp_jinja2
from aiohttp import web

from fileshare import __version__


@aiohttp_jinja2.template("home.html")
async def home(_request: web.Request) -> dict[str, str]:
    """What this is and how to use it."""
    return {"version": __version__}
