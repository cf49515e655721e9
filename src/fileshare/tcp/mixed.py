"""One port for TLS and for clients that can't do it, told apart by the first byte.

A TLS connection begins with a handshake record (22, RFC 8446 section 5.1), one of ours
with the length of a small frame, whose first byte is 0. The byte is only looked at: TLS
or the session reads it again. Plain text is let in from allowed addresses alone.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

TLS_HANDSHAKE = b"\x16"
MAX_UNDECIDED = 100
"""Connections that have not sent their first byte; beyond it the oldest gives way, as it would inside."""
PAUSE_SECONDS = 1.0
"""After an accept that failed: asyncio's own listeners wait as long when descriptors run out."""

_log = logging.getLogger("fileshare.server")


class MixedListener:
    """A listening socket whose connections may be TLS or, from some addresses, plain."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext,
        plain_from: Callable[[str], bool],
        seconds: float,
    ) -> None:
        """`plain_from` tells whether an address may go without TLS; the first byte must come in `seconds`."""
        listener.setblocking(False)
        self.sockets = (listener,)
        self._protocol = protocol
        self._tls = tls
        self._plain_from = plain_from
        self._seconds = seconds
        self._undecided: dict[asyncio.Task[None], None] = {}
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))

    def close(self) -> None:
        """Accept nothing more, and forget those who have said nothing."""
        self._accepting.cancel()
        for task in self._undecided:
            task.cancel()
        for listener in self.sockets:
            listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:
                _log.warning("a connection could not be accepted: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if len(self._undecided) >= MAX_UNDECIDED:
                next(iter(self._undecided)).cancel()
            task = loop.create_task(self._welcome(connection, str(address[0])))
            self._undecided[task] = None
            task.add_done_callback(self._undecided.pop)

    async def _welcome(self, connection: socket.socket, address: str) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                first = await _peek(connection)
            encrypted = first == TLS_HANDSHAKE or not self._plain_from(address)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._tls if encrypted else None,
                ssl_handshake_timeout=self._seconds if encrypted else None,
            )
        except (OSError, TimeoutError) as error:
            # A peer that went away, was silent, or can't do our TLS: ssl.SSLError is an OSError.
            _log.debug("a connection from %s did not get in: %s", address, error)
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise


async def listening_sockets(host: str, port: int, backlog: int) -> list[socket.socket]:
    """A socket for each address of `host`, as asyncio's own servers make them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            sockets.append(socket.create_server(address[:2], family=family, backlog=backlog))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


async def _peek(connection: socket.socket) -> bytes:
    """The first byte that the peer sends, left where it is; empty when it has gone."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)
