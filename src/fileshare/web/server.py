"""The web door's listener: accepts, cuts connections that never ask for anything, drains.

aiohttp limits headers and idle time; what it leaves open is how long and how many
connections may stay silent or half asked, which costs an attacker nothing.
"""

import asyncio
import ssl
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

BACKLOG = 1024
"""Connections that the kernel keeps for us until we accept: 200 clients may come in one moment."""

MAX_LINE = 16_384
"""Bytes of a request's first line: a path of 4,096 bytes takes three times as many
when each is percent-encoded; aiohttp's own limit of 8,190 would refuse a good name."""


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How patient the door is, in seconds, and with how many."""

    first_request_seconds: float = 10.0
    keepalive_seconds: float = 75.0
    max_silent: int = 100


class WebServer:
    """One application behind one or more listening sockets."""

    def __init__(self, application: web.Application, limits: WebLimits | None = None) -> None:
        self._limits = limits or WebLimits()
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}
        # Outermost: who is refused has asked as well, and a check of a password may take its time.
        application.middlewares.insert(0, self._heard())
        self._application = application
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> list[tuple[str, int]]:
        """Listen; returns the addresses. Raises OSError when one can't be had."""
        self._runner = web.AppRunner(
            self._application,
            access_log=None,
            keepalive_timeout=self._limits.keepalive_seconds,
            max_line_size=MAX_LINE,
            # 500 KB of gzip held the loop for 2 s, for anybody: what is packed stays so, and is refused.
            auto_decompress=False,
            # `drain` waits for the handlers; nothing is left to wait for after it.
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._accept,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=self._limits.first_request_seconds if tls else None,
            backlog=BACKLOG,
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
        runner, self._runner = self._runner, None
        if runner is not None:
            if runner.server is not None:
                runner.server.pre_shutdown()
                await runner.server.shutdown(seconds)
            await runner.cleanup()
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()

    def _accept(self) -> asyncio.Protocol:
        if self._runner is None or self._runner.server is None:
            raise ConnectionAbortedError("The web door is closed.")
        if len(self._silent) >= self._limits.max_silent:
            self._cut(next(iter(self._silent)))
        handler = self._runner.server()
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(self._limits.first_request_seconds, self._cut, handler)
        return handler

    def _cut(self, handler: RequestHandler) -> None:
        self._silent.pop(handler).cancel()
        handler.force_close()

    def _heard(self) -> Middleware:
        @web.middleware
        async def heard(request: web.Request, handler: Handler) -> web.StreamResponse:
            timer = self._silent.pop(request.protocol, None)
            if timer is not None:
                timer.cancel()
            return await handler(request)

        return heard
