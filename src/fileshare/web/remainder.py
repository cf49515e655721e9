"""The rest of a large body, taken off the socket past aiohttp's parser.

The only place that knows how a connection of aiohttp holds its parser. Where that is not as
expected, under TLS, and for bodies whose length is not announced nothing is lent, and the
loop carries the body.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import StreamReader, web
from aiohttp.http_parser import HttpRequestParser
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from fileshare.services.lending import FLOWING, SocketLoan, unread

_SHAPES: Final = ("Content-Encoding", "Transfer-Encoding", "Upgrade")
"""Headers by which what follows may be something else than so many bytes and the next request."""


class Remainder:
    """Stands in a parser's place until a body of known length has come, and then makes a new one.

    aiohttp's own counts for itself, and can't be told of bytes that it has not seen.
    """

    def __init__(
        self,
        protocol: RequestHandler,
        transport: asyncio.Transport,
        content: StreamReader,
        missing: int,
    ) -> None:
        """`missing` bytes of the body are on the socket or still to come, and `content` has the others."""
        self._protocol = protocol
        self._transport = transport
        self._content = content
        self._missing = missing
        self._held = False
        self._lent = False

    # What a connection asks of its parser

    def feed_data(self, data: bytes) -> tuple[Sequence[Any], bool, bytes]:
        """Bytes that the loop has read: of this body, and what follows it."""
        body, rest = data[: self._missing], data[self._missing :]
        if body:
            self._content.feed_data(body)
            self._came(len(body))
        if self._missing or self._protocol._parser is None:
            return (), False, b""
        following: tuple[Sequence[Any], bool, bytes] = self._protocol._parser.feed_data(rest)
        return following

    def pause_reading(self) -> None:
        """Nothing is kept back here."""

    # The socket

    def hold(self, limit: int) -> bytes | None:
        """Read no more where it is worth to lend: returns what the loop has read and nobody has taken.

        None where `lend` would lead to nothing.
        """
        if not self._flows(limit):
            return None
        came = self._content.read_nowait()  # before the pause, which it would end
        self._protocol._parser = self  # type: ignore[assignment]  # it asks of a parser what is above
        self._held = True
        self._protocol.pause_reading()
        return came

    def _flows(self, limit: int) -> bool:
        if self._transport.is_closing() or self._transport.get_extra_info("sslcontext") is not None:
            return False
        if self._lent or self._content.exception() is not None or min(limit, self._missing) < FLOWING:
            return False
        return unread(self._transport.get_extra_info("socket")) >= FLOWING

    def lend(self, limit: int, returned: Callable[[int], None]) -> SocketLoan:
        """Right after `hold`, of which nothing is left. `returned` is told of the bytes that were taken."""

        def back(taken: int) -> None:
            self._back(taken)
            returned(taken)

        self._lent = True
        return SocketLoan(self._transport.get_extra_info("socket"), min(limit, self._missing), back)

    def _back(self, taken: int) -> None:
        self._lent = False
        self._came(taken)
        self._read_again()

    def flow(self) -> None:
        """The loop may read again."""
        if self._held:
            self._held = False
            self._read_again()

    def _read_again(self) -> None:
        if not self._held and not self._lent:
            self._protocol.resume_reading(resume_parser=False)

    def _came(self, count: int) -> None:
        self._missing -= count
        if self._missing:
            return
        standing: object = self._protocol._parser
        if standing is self:  # none, once the connection is lost
            self._protocol._parser = _new_parser(self._protocol)
        self._held = False
        self._content.feed_eof()  # reading goes on with that


def remainder_of(request: web.Request) -> Remainder | None:
    """What is left of the request's body; None where nothing of it may pass by the parser."""
    protocol, content = request.protocol, request.content
    if (current := _current(request)) is not None:
        return current
    length = request.content_length
    if length is None or any(name in request.headers for name in _SHAPES):
        return None
    if type(content) is not StreamReader or not isinstance(protocol, RequestHandler):
        return None
    if protocol.transport is None or not isinstance(getattr(protocol, "_parser", None), HttpRequestParser):
        return None
    missing = length - content.total_bytes
    if missing < FLOWING or content.is_eof():
        return None  # a parser that has seen the end may have read further
    return Remainder(protocol, protocol.transport, content, missing)


def _current(request: web.BaseRequest) -> Remainder | None:
    found: object = getattr(request.protocol, "_parser", None)
    return found if isinstance(found, Remainder) else None


def flow_on(request: web.BaseRequest) -> None:
    """Have the loop read again what was held."""
    current = _current(request)
    if current is not None:
        current.flow()


def _new_parser(protocol: RequestHandler) -> HttpRequestParser:
    """For the next request, as `RequestHandler` makes its own."""
    return HttpRequestParser(
        protocol,
        protocol._loop,
        protocol._read_bufsize,
        max_line_size=protocol.max_line_size,
        max_field_size=protocol.max_field_size,
        max_headers=protocol.max_headers,
        payload_exception=RequestPayloadError,
        auto_decompress=False,  # as `Connection` asks for
        max_msg_queue_size=protocol._max_msg_queue_size,
    )
