"""The URL of a folder: its page, or with `?zip` all it holds in one file."""

from aiohttp import web

from fileshare.web.archive import send_archive


async def folder(request: web.Request) -> web.StreamResponse:
    """What is asked for. Raises as `Files.walk`."""
    if "zip" in request.query:
        return await send_archive(request)
    raise web.HTTPNotFound()
