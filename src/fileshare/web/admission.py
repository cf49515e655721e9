"""What a request must look like at all, before anyone asks who sent it.

The standard library and aiohttp read some headers in quadratic time or choke on them, and
nobody has logged in yet. Knows nothing of accounts, and reads no body.
"""

import re
from urllib.parse import unquote

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.typedefs import Handler

from fileshare.errors import BadName, BadRequest
from fileshare.web.bodies import refuse_codings
from fileshare.web.origin import host_name

SPOKEN = (HttpVersion10, HttpVersion11)

NEVER = re.compile(r"[\x00-\x1f\x7f\\]")
"""In no path: control characters and the backslash."""

LONGEST_TYPE = 256
"""Characters of a Content-Type: the longest of a form has some 150. The email package, which aiohttp
parses it by, took 3 s for 8 KB of quotes and semicolons, with the loop standing still."""


@web.middleware
async def refuse_malformed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what no honest client sends. Raises BadRequest."""
    _check_kind(request)
    _check_host(request)
    _check_path(request)
    if any(len(kind) > LONGEST_TYPE for kind in request.headers.getall("Content-Type", ())):
        raise BadRequest(f"The Content-Type is longer than {LONGEST_TYPE} characters.")
    refuse_codings(request)
    return await handler(request)


def _check_kind(request: web.Request) -> None:
    if request.version not in SPOKEN:
        raise BadRequest("This speaks HTTP/1.0 and HTTP/1.1.")
    if request.method == "CONNECT":
        raise BadRequest("This is no proxy.")


def _check_path(request: web.Request) -> None:
    """An address that is no route's because no name can be so. Those of routes say it themselves."""
    if request.match_info.http_exception is None:
        return
    try:
        path = unquote(request.rel_url.raw_path, errors="strict")
    except UnicodeDecodeError:
        raise BadName("The address is not UTF-8: encode it so, then by percent signs.") from None
    if NEVER.search(path):
        raise BadName("The address holds a backslash or a control character, and no name has one.")


def _check_host(request: web.Request) -> None:
    """A name that can be read; aiohttp has seen to it that there is just one (RFC 9112, 3.2)."""
    try:
        host_name(request)
    except ValueError:
        raise BadRequest("The Host header is no name of a host.") from None
