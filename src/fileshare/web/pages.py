"""The page that people see first."""

from aiohttp import web

from fileshare.web.rendering import render


async def home(request: web.Request) -> web.Response:
    """What this is and how to use it."""
    return render(request, "home.html")
