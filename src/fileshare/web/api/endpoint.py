"""One URL and method of the JSON API: what it takes and gives, as the types of its handler.

The same types read the request, write the answer and make the OpenAPI document, so that
none of the three can say something else. A handler calls one service and knows no HTTP.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import msgspec
from aiohttp import ETag, web
from aiohttp.typedefs import Handler

from fileshare.domain.model import Caller
from fileshare.web.api.asking import read_body, read_query
from fileshare.web.guards import Needs, Row
from fileshare.web.identity import caller_of
from fileshare.web.keys import WebServices, services_of
from fileshare.web.paths import path_of

PREFIX = "/api/v1"

Q = TypeVar("Q")
B = TypeVar("B")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """One request, read: `query` and `body` as their structs, None where there is none to send."""

    request: web.Request
    query: Q
    body: B
    named: str = ""
    """What the URL names behind its noun, decoded: a path, an id, the name of an account."""

    @property
    def caller(self) -> Caller:
        """Who asks. Raises AuthRequired."""
        return caller_of(self.request)

    @property
    def services(self) -> WebServices:
        """What there is to call."""
        return services_of(self.request)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of the table of routes, with the shapes of what it takes and gives (None for nothing)."""

    method: str
    path: str
    """Below `/api/v1`, as the router takes it."""
    needs: Needs
    status: int
    """Of an answer that is no failure."""
    act: Callable[[Asked[Any, Any]], Awaitable[Any]]
    query: type[Any]
    body: type[Any]
    answer: type[Any]
    stands: "Endpoint | None"
    """What tells how the thing stands that this one changes, for If-Match."""

    @property
    def name(self) -> str:
        """What the operation is called."""
        return self.act.__name__

    @property
    def summary(self) -> str:
        """What it does, in a sentence or two."""
        return " ".join((self.act.__doc__ or "").split())

    @property
    def row(self) -> Row:
        """For the table of all routes."""
        return Row(self.method, PREFIX + self.path, _answering(self), self.needs)


def endpoint(
    method: str, path: str, needs: Needs, *, status: int = 200, stands: Endpoint | None = None
) -> Callable[[Callable[[Asked[Q, B]], Awaitable[A]]], Endpoint]:
    """Make an endpoint of a handler, whose annotations say the shapes. 204 where it returns nothing."""

    def made(act: Callable[[Asked[Q, B]], Awaitable[A]]) -> Endpoint:
        hints = get_type_hints(act, include_extras=True)
        query, body = get_args(hints["asked"])
        answer = hints["return"]
        shown = 204 if answer is NoneType else status
        return Endpoint(method, path, needs, shown, act, query, body, answer, stands)

    return made


def _answering(to: Endpoint) -> Handler:
    prefix, names_one, rest = (PREFIX + to.path).partition("{")
    suffix = rest.partition("}")[2]

    async def answer(request: web.Request) -> web.Response:
        asked = Asked(
            request,
            read_query(request, to.query),
            await read_body(request, to.body),
            path_of(request, prefix).removesuffix(suffix) if names_one else "",
        )
        if to.stands is not None and request.if_match is not None:
            await _refuse_stale(asked, to.stands, request.if_match)
        given = await to.act(asked)
        if given is None:
            return web.Response(status=204)
        return _response(request, to.status, msgspec.json.encode(given))

    return answer


async def _refuse_stale(asked: Asked[Any, Any], stands: Endpoint, known: Sequence[ETag]) -> None:
    """Raises 412 unless it stands as one of the tags says.

    A change in between is not noticed; it costs nothing, since no content is ever lost.
    """
    now = await stands.act(Asked(asked.request, None, None, asked.named))
    tags = {tag.value for tag in known if not tag.is_weak}
    if not tags & {"*", _etag_of(msgspec.json.encode(now))}:
        raise web.HTTPPreconditionFailed()


def _etag_of(body: bytes) -> str:
    """The tag of an answer: its digest, so that equal tags are equal answers."""
    return hashlib.sha256(body).hexdigest()


def _response(request: web.Request, status: int, body: bytes) -> web.Response:
    headers = {}
    if request.method in ("GET", "HEAD"):
        tag = _etag_of(body)
        headers["ETag"] = f'"{tag}"'
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")
