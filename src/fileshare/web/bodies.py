"""The body of a request as a source for the services, and when the client is told to send it.

Whatever was read off the network comes out before the end of the connection is told, as
`services.ports.Source` asks; aiohttp by itself would throw it away.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from fileshare.errors import BadRequest, ConnectionLost
from fileshare.services.lending import Loan, SocketLoan
from fileshare.web.remainder import flow_on, remainder_of

PIECE = 256 << 10
"""Bytes asked of aiohttp at a time; it reads twice as much ahead."""

_ASKED: web.RequestKey[bool] = web.RequestKey("asked_for_body", bool)


class TooSlow(ConnectionLost):
    """The request took too long to arrive."""


LOST = (OSError, RuntimeError, ClientError, HttpProcessingError)
"""What aiohttp says of a body whose connection ended, or whose framing is broken."""


async def hold_back(request: web.Request) -> None:
    """For a route with streamed bodies: no 100 Continue before the handler asks for the body.

    So that who is refused has not sent gigabytes in vain. Raises 417 for another expectation.
    """
    if request.headers["Expect"].lower() != "100-continue":
        # Without a text: aiohttp's own repeats what was told, and fails where that is no UTF-8.
        raise web.HTTPExpectationFailed()


async def go_ahead(request: web.Request) -> None:
    """For a route with small bodies: 100 Continue at once. Raises 417 for another expectation."""
    await hold_back(request)
    await ask_for_body(request)


async def ask_for_body(request: web.Request) -> None:
    """Say 100 Continue where the client waits for it; nothing happens the second time."""
    if "Expect" in request.headers and _ASKED not in request and request.version >= (1, 1):
        request[_ASKED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def was_asked_for(request: web.Request) -> bool:
    """Whether the client may send the body: it did not wait to be asked, or has been."""
    return "Expect" not in request.headers or _ASKED in request


def refuse_codings(request: web.Request) -> None:
    """Refuse a compressed body: the file would not be what was sent, and a form could be a bomb.

    The server never lets aiohttp unpack one, which it would do before anyone may refuse it.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest("Send the bytes themselves: Content-Encoding is not taken here.")


class RequestBody:
    """The raw body of a request, until its end or until a newcomer wants the upload."""

    def __init__(self, request: web.Request, stall_seconds: float) -> None:
        self._request = request
        self._stall = StallLimit(stall_seconds)
        self._taken = 0
        """Bytes that aiohttp has given out."""
        self._held = b""
        """What it gave when its reading was held, so that the rest can be lent."""
        self._owed: int | None = None
        """After `stop`: bytes that were read off the network before, and not given out."""
        self._loan: SocketLoan | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it has been read, up to the end that the client gave it."""
        content = self._request.content
        return not self._held and content.at_eof() and content.exception() is None

    def stop(self) -> None:
        """End the body with what has come, also in the middle of a wait; for `let_go`."""
        if self._owed is None:
            self._owed = self._request.content.total_bytes - self._taken
        self._stall.stop()
        if self._loan is not None:
            self._loan.recall()

    async def lend(self, limit: int) -> Loan | None:
        """See `services.lending`."""
        await ask_for_body(self._request)
        if self._held or self._owed is not None:
            return None
        remainder = remainder_of(self._request)
        came = remainder.hold(limit) if remainder is not None else None
        if remainder is None or came is None:
            return None
        if came:
            self._taken += len(came)
            self._held = came
            return None
        self._loan = remainder.lend(limit, self._returned)
        return self._loan

    def _returned(self, _: int) -> None:
        self._loan = None

    async def read(self, limit: int) -> bytes:
        """The next bytes; empty at the end, whole or not. Raises TooSlow after a stall."""
        await ask_for_body(self._request)
        if self._held:
            data, self._held = self._held[:limit], self._held[limit:]
            return data
        data = await self._read(min(limit, PIECE))
        self._taken += len(data)
        return data

    async def _read(self, count: int) -> bytes:
        flow_on(self._request)
        try:
            async with self._stall.bounded():
                return await self._request.content.read(count)
        except Stopped:
            return self._read_owed(count)
        except TooSlow:
            if rest := self._request.content._read_nowait(count):
                return rest
            raise
        except LOST:
            # read_nowait would repeat the error and keep the bytes; nothing public gives them.
            return self._request.content._read_nowait(count)

    def _read_owed(self, count: int) -> bytes:
        """What came before the stop: more may have come since, and would come for ever."""
        data = self._request.content._read_nowait(min(count, self._owed)) if self._owed else b""
        self._owed = (self._owed or 0) - len(data)
        return data


class Stopped(Exception):
    """A newcomer wants the upload: read no further."""


class StallLimit:
    """Bounds each wait for the client, and can end the one under way."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopped = False
        self._waiting: asyncio.Timeout | None = None

    def stop(self) -> None:
        """End the wait under way and all later ones."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """For one wait. Raises Stopped, and TooSlow when the client sends nothing for too long."""
        if self._stopped:
            raise Stopped
        try:
            async with asyncio.timeout(self._seconds) as self._waiting:
                yield
        except TimeoutError:
            if self._stopped:
                raise Stopped from None
            raise TooSlow() from None
        finally:
            self._waiting = None
