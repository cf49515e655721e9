"""The address without a page: leads to the files."""

from aiohttp import web

from fileshare.web.redirects import LANDING, see


async def home(request: web.Request) -> web.Response:
    """The files; who has not logged in is led on from there."""
    return see(request, LANDING)
