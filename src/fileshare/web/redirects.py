"""Where a page leads after something was done: to ourselves and nowhere else."""

import re
from urllib.parse import quote, urlsplit

from aiohttp import web

from fileshare.web.origin import absolute_url, local_url

LANDING = "/files/"
"""Where somebody goes who asked for no page."""

_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]*\Z")
"""A path of ours: browsers read `//host`, `/\\host` and `/<tab>/host` as another host."""


def safe_next(told: str) -> str:
    """The path that a login leads back to, or the landing page where it is none of ours."""
    return told if _OURS.match(told) else LANDING


def page_before(request: web.Request) -> str:
    """The path of our page that this was asked from, with its query; empty where the browser tells none."""
    told, ours = request.headers.get("Referer", ""), absolute_url(request, "/")
    if not told.lower().startswith(ours.lower()):
        return ""
    path = told[len(ours) - 1 :].partition("#")[0]
    return path if _OURS.match(path) and urlsplit(path).path not in ("/login", "/logout") else ""


def see(request: web.Request, path: str, **query: str) -> web.Response:
    """After a change: GET that page (303), so that a reload repeats nothing."""
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    location = local_url(request, path) + (f"?{asked}" if asked else "")
    return web.Response(status=303, headers={"Location": location})
