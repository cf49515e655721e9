"""The fields of a plain HTML form, read whole: small, in time, and text alone."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from fileshare.errors import BadRequest, ConnectionLost
from fileshare.web.bodies import LOST

FORM_SECONDS = 30
"""A form is some hundred bytes; who takes longer holds a connection open on purpose."""


def is_form(request: web.Request) -> bool:
    """Whether the body is a plain form, not one with files."""
    return request.content_type == "application/x-www-form-urlencoded"


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields; of several with one name the first. Raises BadRequest, TimeoutError.

    The application's `client_max_size` bounds it; asked again, the same answer comes again.
    """
    if not is_form(request):
        raise BadRequest("This takes the fields of a form.")
    async with asyncio.timeout(FORM_SECONDS):
        try:
            fields = await request.post()
        except (UnicodeDecodeError, LookupError, ValueError):
            raise BadRequest("The form can't be read.") from None
        except LOST as error:
            raise ConnectionLost() from error
    return {name: str(fields[name]) for name in fields}


async def field_of(request: web.Request, name: str) -> str:
    """One field of the form. Raises BadRequest when it is missing."""
    fields = await read_form(request)
    if name not in fields:
        raise BadRequest(f"The form lacks its field {name}.")
    return fields[name]
