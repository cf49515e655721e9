"""The web door's listener: accepts, seats, drains.

How long one connection may do nothing is for `connection` to say, and how many of them for `seats`.
"""

import asyncio
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web
from aiohttp.typedefs import Handler

from fileshare.services.room import Room
from fileshare.services.seats import MOMENT, Seats
from fileshare.web.connection import Connection, Patience
from fileshare.web.doorstep import Doorstep
from fileshare.web.keys import SERVICES, Network

_QUOTING = (BadContentDispositionHeader, BadContentDispositionParam)
"""Warnings of aiohttp that quote what a client sent. Python keeps each text it has warned of for ever:
a form of a thousand broken parts cost 8 MB that never came back."""

BACKLOG = 1024
"""Connections that the kernel keeps for us until we accept: 200 clients may come in one moment."""


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How patient the door is, in seconds, and with how many."""

    first_request_seconds: float = 10.0
    keepalive_seconds: float = 75.0
    stall_seconds: float = 60.0
    max_silent: int = 100
    """Connections that wait for a request and on which nobody known has asked."""
    max_silent_per_address: int = 20
    room: Room = field(default_factory=Room)
    moment: float = MOMENT
    """What newcomers have to say who they are before any of them gives way."""


class WebServer:
    """One application behind one or more listening sockets."""

    def __init__(self, application: web.Application, limits: WebLimits | None = None) -> None:
        self._limits = limits = limits or WebLimits()
        self._seats = Seats(limits.room, limits.max_silent, limits.max_silent_per_address, limits.moment)
        self._patience = Patience(
            limits.first_request_seconds, limits.keepalive_seconds, limits.stall_seconds
        )
        # Outermost: who is refused has asked as well, and a check of a password may take its time.
        application.middlewares.insert(0, _heard)
        self._application = application
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._shaking: set[asyncio.Task[None]] = set()
        """TLS handshakes under way."""

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> list[tuple[str, int]]:
        """Listen; returns the addresses. Raises OSError when one can't be had."""
        for quoting in _QUOTING:
            warnings.filterwarnings("ignore", category=quoting)
        self._runner = web.AppRunner(
            self._application,
            # `drain` waits for the handlers; nothing is left to wait for after it.
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._accept if tls is None else partial(self._accept_by_tls, tls), host, port, backlog=BACKLOG
        )
        return [socket.getsockname()[:2] for socket in self._server.sockets]

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._runner.server.connections) if self._runner and self._runner.server else 0

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, let requests end within `seconds`, cut the rest. Safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for handshake in self._shaking:
            handshake.cancel()
        runner, self._runner = self._runner, None
        if runner is not None:
            if runner.server is not None:
                runner.server.pre_shutdown()
                # It waits that long for what runs, and once more after it has told that to end.
                await runner.server.shutdown(seconds / 2)
            await runner.cleanup()
        self._seats.close()

    def _accept(self) -> asyncio.Protocol:
        if self._runner is None or self._runner.server is None:
            raise ConnectionAbortedError("The web door is closed.")
        return Connection(self._runner.server, self._seats, self._patience, self._proxies)

    def _accept_by_tls(self, tls: ssl.SSLContext) -> asyncio.Protocol:
        seconds = self._patience.request_head
        return Doorstep(self._accept, self._seats, tls, seconds, proxies=self._proxies, shaking=self._shaking)

    @property
    def _proxies(self) -> Sequence[Network]:
        return self._application[SERVICES].settings.trusted_proxies


@web.middleware
async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.asked(request)
    return await handler(request)
