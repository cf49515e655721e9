"""What every request and answer of tus carries: its version, and the method that is really meant.

https://tus.io/protocols/resumable-upload. Knows nothing of uploads.
"""

from aiohttp import web

from fileshare.web.keys import services_of
from fileshare.web.tus.checksums import ALGORITHMS

PREFIX = "/tus/"
VERSION = "1.0.0"

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)

OFFSET_STREAM = "application/offset+octet-stream"
"""The one type that the bytes of an upload may have."""

OVERRIDE = "X-HTTP-Method-Override"


async def options(request: web.Request) -> web.Response:
    """What this server can do; told to everyone."""
    headers = {"Tus-Extension": ",".join(EXTENSIONS), "Tus-Checksum-Algorithm": ",".join(ALGORITHMS)}
    allowed = services_of(request).settings.max_file_size
    if allowed is not None:
        headers["Tus-Max-Size"] = str(allowed)
    return web.Response(status=204, headers={**headers, "Tus-Version": VERSION})


async def add_version(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer below `/tus/`, whoever made it; a refused version is told which are known."""
    if request.path.startswith(PREFIX):
        response.headers["Tus-Resumable"] = VERSION
        if response.status == 412:
            response.headers["Tus-Version"] = VERSION


def check_version(request: web.Request) -> None:
    """Refuse another version, or none, before anything is done: 412."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise web.HTTPPreconditionFailed(reason=f"Send Tus-Resumable: {VERSION}, the version spoken here")


def method_of(request: web.Request) -> str:
    """The method that is meant: behind some proxies a client can send only GET and POST."""
    return request.headers.get(OVERRIDE, request.method).upper()


def check_type(request: web.Request) -> None:
    """Refuse bytes that are not announced as an upload's: 415."""
    if request.content_type != OFFSET_STREAM:
        raise web.HTTPUnsupportedMediaType(reason=f"Send the bytes as {OFFSET_STREAM}")
