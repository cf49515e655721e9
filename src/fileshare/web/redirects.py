"""Where a page leads after something was done: to ourselves and nowhere else."""

import re
from urllib.parse import quote

from aiohttp import web

from fileshare.web.origin import local_url

LANDING = "/files/"
"""Where somebody goes who asked for no page."""

_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]*\Z")
"""A path of ours: browsers read `//host`, `/\\host` and `/<tab>/host` as another host."""


def safe_next(told: str) -> str:
    """The path that a login leads back to, or the landing page where it is none of ours."""
    return told if _OURS.match(told) else LANDING


def see(request: web.Request, path: str, **query: str) -> web.Response:
    """After a change: GET that page (303), so that a reload repeats nothing."""
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    location = local_url(request, path) + (f"?{asked}" if asked else "")
    return web.Response(status=303, headers={"Location": location})
