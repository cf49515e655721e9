"""From a request to the structs that its endpoint takes; what they don't know is refused by its name."""

import asyncio
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from fileshare.errors import BadRequest, ConnectionLost, ProtocolError
from fileshare.web.bodies import LOST
from fileshare.web.forms import PARSED_ASIDE
from fileshare.wire.codec import check_structure

BODY_SECONDS = 30
"""A body is some kilobytes; who takes longer holds a connection open on purpose."""

JSON = "application/json"

T = TypeVar("T")


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of a URL's query."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON object that a request brings."""


class _Nothing(Query, frozen=True):
    """No parameters."""


def read_query(request: web.Request, form: type[T]) -> T:
    """The query's parameters. Raises BadRequest for one that is unknown, told twice, or makes no sense."""
    told: dict[str, str] = {}
    for name, value in request.query.items():
        if name in told:
            raise BadRequest(f"The query names {name} twice.")
        told[name] = value
    wanted: Any = _Nothing if form is type(None) else form
    try:
        read = msgspec.convert(told, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The query is not understood: {error}.") from None
    return None if form is type(None) else read


async def read_body(request: web.Request, form: type[T]) -> T:
    """The body as its struct; None, unread, where there is none to send.

    Raises BadRequest, 413, 415, ConnectionLost, and TimeoutError for one that comes too slowly.
    """
    if form is type(None):
        return None
    if request.content_type != JSON:
        refusal = web.HTTPUnsupportedMediaType()
        refusal.headers["Accept"] = JSON
        raise refusal
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.read()
    except LOST as error:
        raise ConnectionLost() from error
    return await asyncio.to_thread(_decode, raw, form) if len(raw) > PARSED_ASIDE else _decode(raw, form)


def _decode(raw: bytes, form: type[T]) -> T:
    try:
        check_structure(raw)
        return msgspec.json.decode(raw, type=form)
    except ProtocolError as error:
        raise BadRequest(error.message) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request is not understood: {error}.") from None
