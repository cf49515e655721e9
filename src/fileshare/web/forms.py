"""The fields of a plain HTML form, read whole: small, in time, and text alone."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from fileshare.errors import BadRequest, ConnectionLost, TooLarge
from fileshare.web.bodies import LOST

Pairs = Sequence[tuple[str, str]]

FORM_SECONDS = 30
"""A form is some hundred bytes; who takes longer holds a connection open on purpose."""


PARSED_ASIDE = 64 << 10
"""Bytes of a body that are parsed in a thread: a megabyte held the loop for a tenth of a second and more."""

MAX_FIELDS = 1000
"""Of one form: a page shows fewer boxes to tick."""

_PAIRS: web.RequestKey[Pairs] = web.RequestKey("form_pairs", list)


def is_form(request: web.Request) -> bool:
    """Whether the body is a plain form, not one with files."""
    return request.content_type == "application/x-www-form-urlencoded"


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields; of several with one name the first. Raises as `read_pairs`."""
    return dict(reversed(await read_pairs(request)))


async def read_pairs(request: web.Request) -> Pairs:
    """The fields in order. Raises BadRequest, TooLarge, TimeoutError.

    The application's `client_max_size` bounds it; asked again, the same answer comes again.
    """
    if _PAIRS in request:
        return request[_PAIRS]
    if not is_form(request):
        raise BadRequest("This takes the fields of a form.")
    async with asyncio.timeout(FORM_SECONDS):
        try:
            raw = await request.read()
        except LOST as error:
            raise ConnectionLost() from error
    aside = len(raw) > PARSED_ASIDE
    charset = request.charset or "utf-8"
    pairs = await asyncio.to_thread(_parse, raw, charset) if aside else _parse(raw, charset)
    request[_PAIRS] = pairs
    return pairs


def _parse(raw: bytes, charset: str) -> Pairs:
    if raw.count(b"&") >= MAX_FIELDS:
        raise TooLarge(f"The form has more than {MAX_FIELDS} fields.")
    try:
        return parse_qsl(raw.rstrip().decode(charset), keep_blank_values=True, encoding=charset)
    except (UnicodeDecodeError, LookupError, ValueError):
        raise BadRequest("The form can't be read.") from None


async def field_of(request: web.Request, name: str) -> str:
    """One field of the form. Raises BadRequest when it is missing."""
    fields = await read_form(request)
    if name not in fields:
        raise BadRequest(f"The form lacks its field {name}.")
    return fields[name]
