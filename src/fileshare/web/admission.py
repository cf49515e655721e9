"""What a request must look like at all, before anyone asks who sent it.

The standard library and aiohttp read some headers in quadratic time or choke on them, and
nobody has logged in yet. Knows nothing of accounts, and reads no body.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.errors import BadRequest
from fileshare.web.bodies import refuse_codings
from fileshare.web.origin import host_name

LONGEST_TYPE = 256
"""Characters of a Content-Type: the longest of a form has some 150. The email package, which aiohttp
parses it by, took 3 s for 8 KB of quotes and semicolons, with the loop standing still."""


@web.middleware
async def refuse_malformed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what no honest client sends. Raises BadRequest."""
    _check_host(request)
    if any(len(kind) > LONGEST_TYPE for kind in request.headers.getall("Content-Type", ())):
        raise BadRequest(f"The Content-Type is longer than {LONGEST_TYPE} characters.")
    refuse_codings(request)
    return await handler(request)


def _check_host(request: web.Request) -> None:
    """A name that can be read; aiohttp has seen to it that there is just one (RFC 9112, 3.2)."""
    try:
        host_name(request)
    except ValueError:
        raise BadRequest("The Host header is no name of a host.") from None
