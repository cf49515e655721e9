"""One connection of the web door: how long it may be silent, slow, or unread, and what it is told.

aiohttp speaks the protocol; this sees to it that whoever is at the other end can't hold a
place by doing nothing, and that what aiohttp refuses by itself is said in our own words.
"""

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from fileshare.domain.addresses import group_of
from fileshare.domain.model import ANONYMOUS_ID, Caller
from fileshare.services.cutting import cut
from fileshare.services.pace import LEAST_BYTES
from fileshare.services.seats import Seats
from fileshare.web.bodies import TooSlow, was_asked_for
from fileshare.web.failures import refused_unread
from fileshare.web.keys import CALLER, Network
from fileshare.web.origin import address_of, is_trusted
from fileshare.web.remainder import flow_on

MAX_LINE = 16_384
"""Bytes of a request's first line: a path of 4,096 bytes takes three times as many
when each is percent-encoded; aiohttp's own limit of 8,190 would refuse a good name."""

_log = logging.getLogger("fileshare.web")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection may do nothing, in seconds."""

    request_head: float
    keepalive: float
    stall: float


class Connection(RequestHandler):
    """One connection, from accepted to gone."""

    __slots__ = (
        "_answers",
        "_answers_then",
        "_arrived",
        "_came",
        "_head_timer",
        "_holder",
        "_line",
        "_patience",
        "_paused_meanwhile",
        "_peer",
        "_proxies",
        "_rate_timer",
        "_request",
        "_seats",
        "_unread_timer",
        "group",
    )

    def __init__(
        self, server: web.Server, seats: Seats, patience: Patience, proxies: Sequence[Network]
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner hands it on
            keepalive_timeout=patience.keepalive,
            max_line_size=MAX_LINE,
            # 500 KB of gzip held the loop for 2 s, for anybody: what is packed stays so, and is refused.
            auto_decompress=False,
            logger=_log,
        )
        self._seats = seats
        self._patience = patience
        self._proxies = proxies
        self._line: asyncio.Transport | None = None
        self._peer = ""
        self.group = ""
        self._holder: Hashable = None
        self._request: web.Request | None = None
        self._came = self._arrived = 0
        self._answers = self._answers_then = 0
        self._paused_meanwhile = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._rate_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    # Its place

    @property
    def stranger(self) -> bool:
        """Whether nobody with an account has asked on it; of a trusted proxy only while it asks for one."""
        if self._request is not None and CALLER in self._request:
            return False
        return self._request is not None if self._by_proxy else self._holder is None

    @property
    def holder(self) -> Hashable:
        """For whom it is open: who asks, or who last did; where nobody logs in, all at that address."""
        caller = None if self._request is None else self._request.get(CALLER)
        return self._holder if caller is None else self._held_by(caller)

    def _held_by(self, caller: Caller) -> Hashable:
        return self.group if caller.account.id == ANONYMOUS_ID else caller.account.id

    @property
    def _by_proxy(self) -> bool:
        return bool(self._proxies) and is_trusted(self._peer, self._proxies)

    def give_way(self) -> None:
        """End it now, answered or not."""
        self.force_close()
        cut(self._line)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or say that there is none."""
        super().connection_made(transport)
        self._line = self.transport
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        self.group = group_of(self._peer)
        if self._seats.come(self):
            self._expect_head()
        elif self._line is not None:
            self._line.write(FULL)
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self._seats.leave(self)
        self._cancel_timers()
        self._request = self._line = None

    def _cancel_timers(self) -> None:
        for timer in (self._head_timer, self._rate_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()

    # A request's head

    def data_received(self, data: bytes) -> None:
        """Bytes of a head or of a body."""
        self._came += len(data)
        if data and self._request is None and self._head_timer is None:
            self._expect_head()
        super().data_received(data)

    def _expect_head(self) -> None:
        """In total and not per read: one byte a second would hold the place for hours."""
        self._head_timer = self._loop.call_later(self._patience.request_head, self.give_way)

    def asked(self, request: web.Request) -> None:
        """A whole head has come; whoever asks is not known yet."""
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._request = request
        if self._by_proxy:
            self.group = group_of(address_of(request))
        self._seats.ask(self)
        self._watch_body()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the rest of the answer; then the next request may take its time."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._answered(request)

    def _answered(self, request: web.BaseRequest) -> None:
        if CALLER in request and not self._by_proxy:
            self._holder = self._held_by(request[CALLER])
        self._answers += 1
        self._request = None
        if self._rate_timer is not None:
            self._rate_timer.cancel()
        flow_on(request)  # whoever was answered early is still heard out
        if isinstance(request.content.exception(), TooSlow):
            # It is heard out for some seconds, as everyone who is answered early: a cut would eat the answer.
            request.content.set_exception(None)  # type: ignore[arg-type]
        self._watch_reader()
        self._seats.wait(self)

    # A request's body

    def _watch_body(self) -> None:
        if self._request is not None and not self._request.content.is_eof():
            self._arrived, self._paused_meanwhile = self._came, False
            self._rate_timer = self._loop.call_later(self._patience.stall, self._check_rate)

    def _check_rate(self) -> None:
        request = self._request
        if request is None or request.content.is_eof():
            return
        if self._came - self._arrived < LEAST_BYTES and self._could_send(request):
            request.content.set_exception(TooSlow())
        else:
            self._watch_body()

    def _could_send(self, request: web.Request) -> bool:
        """Whether the client alone is why nothing comes: it was asked, and we read all the while.

        Whoever reads the socket in our place has paused the transport, and sees to the rate itself.
        """
        reading = self._line is not None and self._line.is_reading() and not self._paused_meanwhile
        return reading and was_asked_for(request)

    def pause_reading(self) -> None:
        """More has come than the handler takes: the client is not to blame for what follows."""
        self._paused_meanwhile = True
        super().pause_reading()

    # An answer that nobody reads

    def pause_writing(self) -> None:
        """The reader lags behind."""
        super().pause_writing()
        self._expect_reader()

    def resume_writing(self) -> None:
        """The reader has taken what there was."""
        super().resume_writing()
        self._forget_reader()

    def _watch_reader(self) -> None:
        """What is left of an answer in the transport would hold the connection for ever."""
        if self._line is not None and self._line.get_write_buffer_size():
            self._expect_reader()
        else:
            self._forget_reader()

    def _expect_reader(self) -> None:
        if self._unread_timer is None and self._line is not None:
            self._answers_then = self._answers
            self._unread_timer = self._loop.call_later(self._patience.stall, self._check_reader)

    def _forget_reader(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _check_reader(self) -> None:
        self._unread_timer = None
        if self._line is None or not self._line.get_write_buffer_size():
            return
        if self._answers != self._answers_then and not self.writing_paused:
            self._expect_reader()  # there is always something left, and it is never the same
        else:
            self.give_way()

    # What aiohttp refuses or stumbles over

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """One answer in our own words; the connection ends with it."""
        self.log_exception("%s could not be answered", request.path, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("An answer has begun already.")
        status, code, text = _told_of(status, exc)
        return refused_unread(status, code, text)

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ANN401 (as aiohttp declares it)
        """A trace for what is our fault, a line for what is the client's."""
        error = kw.get("exc_info")
        if isinstance(error, HttpProcessingError | RequestPayloadError | TooSlow):
            _log.warning("a request from %s was refused: %s", self._peer, _brief(error))
        else:
            super().log_exception(*args, **kw)


def _brief(error: BaseException) -> str:
    """The first line of what aiohttp says; the others quote what came."""
    text = getattr(error, "message", "") or str(error)
    return text.partition("\n")[0].rstrip(":")[:200]


def _told_of(status: int, error: BaseException | None) -> tuple[int, str, str]:
    """Status, code and sentence."""
    if isinstance(error, LineTooLong):
        if error.args[1] == MAX_LINE:
            return 414, "address_too_long", f"The address is longer than {MAX_LINE} bytes."
        return 431, "header_too_large", "A header is longer than 8190 bytes."
    if isinstance(error, HttpProcessingError):
        if "Too many headers" in error.message:
            return 431, "header_too_large", "There are more headers than this reads."
        return 400, "bad_request", "This is no request of HTTP/1.1 that can be read."
    return 500, "error", "Something went wrong here; the server's log says what."


_FULL = b'{"error": {"code": "unavailable", "message": "Too many connections: try again in a moment."}}'
FULL = (
    b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nServer: fileshare\r\n\r\n%s"
    % (503, HTTPStatus(503).phrase.encode(), len(_FULL), _FULL)
)
"""Said to whoever comes when every place is taken by somebody who asks."""
