"""The bytes of one TCP connection, in both directions, with nothing lost at its end.

asyncio's StreamReader throws away what it has buffered when a connection is reset.
Here everything that was read off the socket is handed out before the loss is told, so
that an upload's offset after a cut is at least what the server had read.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from fileshare.errors import ConnectionLost
from fileshare.services.cutting import cut
from fileshare.services.lending import FLOWING, SocketLoan, unread
from fileshare.services.pace import Pace
from fileshare.services.ports import OpenFile
from fileshare.tcp.arrived import Arrived
from fileshare.tcp.outflow import Outflow, Stalled

HIGH_WATER = 1 << 20
"""Bytes read ahead before the socket is left alone: TCP's own window then slows the sender."""
LOW_WATER = 256 << 10

LINGER_SECONDS = 10.0
"""How long a closing connection still reads: unread input would reset it and erase our last reply."""


MakeLoan = Callable[[socket.socket, int, Callable[[int], None]], SocketLoan]


class Stream(asyncio.Protocol):
    """One connection. A `Source` and a `Sink` for the services.

    `stall_seconds` bounds every single wait for the peer while something is under way.
    """

    def __init__(self, connected: Callable[["Stream"], None], stall_seconds: float) -> None:
        self.address = ""
        """The peer's IP address as text, without its port."""
        self.stall_seconds = stall_seconds
        self.bytes_read = 0
        self._connected = connected
        self._arrived = Arrived()
        self._out = Outflow(stall_seconds)
        self._eof = False
        self._stopped = False
        self._stop_at: int | None = None
        self._lost = asyncio.Event()
        self._readable = asyncio.Event()
        self._paused = False
        self._loan: SocketLoan | None = None
        self._held = False
        """Reading waits until somebody asks for more than there is."""
        self._stop_when_back = False
        self._transport: asyncio.Transport | None = None

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._out.connected(self._transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else "local"
        _set_options(transport.get_extra_info("socket"))
        self._connected(self)

    def data_received(self, data: bytes) -> None:
        """Keep what came; stop reading the socket when enough waits."""
        self._arrived.add(data)
        self.bytes_read += len(data)
        self._readable.set()
        if self._stop_at is not None and self.bytes_read >= self._stop_at:
            self._stop()
        elif self.buffered >= HIGH_WATER:
            self._pause()

    def eof_received(self) -> bool:
        """The peer has finished sending; our side stays open for the reply (TLS knows no such half)."""
        self._eof = True
        self._readable.set()
        return not self._is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes or goes. What is buffered is still handed out."""
        self._eof = True
        self._lost.set()
        self._readable.set()
        self._out.lost()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._out.pause()

    def resume_writing(self) -> None:
        """The transport's buffer has room."""
        self._out.resume()

    # Reading

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._lost.is_set()

    @property
    def _ended(self) -> bool:
        return self._eof or self._stopped

    @property
    def _is_tls(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    @property
    def buffered(self) -> int:
        """Bytes that were read off the socket and not yet handed out."""
        return self._arrived.count

    async def read(self, limit: int, pace: Pace | None = None) -> bytes:
        """The next 1 to `limit` bytes, empty at the end.

        Raises Stalled (see `stall_seconds`), also where they come slower than `pace` allows.
        """
        if not self.buffered:
            with self._timed(pace):
                await self._wait_readable(self.stall_seconds if pace is None else pace.left)
        data = self._take(limit)
        if pace is not None:
            pace.came(len(data))
        return data

    async def read_exactly(self, count: int, seconds: float | None, pace: Pace | None = None) -> bytes | None:
        """Just `count` bytes; None when the stream ended before the first. They count as waiting for `pace`.

        Raises ConnectionLost when it ended within them, Stalled after `seconds` in total.
        """
        if self.buffered >= count:
            return self._take(count)
        with self._timed(pace):
            return await self._read_exactly(count, seconds)

    @contextmanager
    def _timed(self, pace: Pace | None) -> Iterator[None]:
        """What passes in here was spent waiting for a body."""
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            if pace is not None:
                pace.waited(asyncio.get_running_loop().time() - began)

    async def _read_exactly(self, count: int, seconds: float | None) -> bytes | None:
        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else loop.time() + seconds
        if self.buffered < count:
            self._read_now(count - self.buffered)
        while self.buffered < count and not self._ended:
            await self._wait_readable(None if deadline is None else deadline - loop.time())
        if self.buffered < count:
            if self.buffered:
                raise ConnectionLost("The connection ended within a message.")
            return None
        return self._take(count)

    def _read_now(self, count: int) -> None:
        """While reading is paused: take just what is asked for, so that what follows can be lent."""
        if not self._paused or self._ended or self._loan is not None:
            return
        if self._transport is None or self._transport.is_closing() or self._is_tls:
            return
        with suppress(OSError):
            data = os.read(self._transport.get_extra_info("socket").fileno(), count)
            if data:
                self.data_received(data)

    def lend(self, limit: int, took: Callable[[int], None], make: MakeLoan = SocketLoan) -> SocketLoan | None:
        """Lend the socket for up to `limit` bytes of a body; None where it isn't worth it.

        `took` is told how many bytes were read off the socket.
        """
        if self._ended or self._stop_at is not None or self._loan is not None:
            return None
        if self._transport is None or self._transport.is_closing() or self._is_tls:
            return None
        sock = self._transport.get_extra_info("socket")
        if limit < FLOWING or unread(sock) < FLOWING:
            return None
        self._held = True
        self._pause()
        if self.buffered:
            return None  # what has been read comes first; no more is read meanwhile
        self._loan = make(sock, limit, lambda taken: self._returned(taken, took))
        return self._loan

    def _returned(self, taken: int, took: Callable[[int], None]) -> None:
        """The socket is back. Reading stays paused until somebody waits for more."""
        self._loan = None
        self.bytes_read += taken
        took(taken)
        if self._stop_when_back:
            self._stop_when_back = False
            self.stop_reading()

    async def wait_readable(self, seconds: float | None) -> None:
        """Wait until something can be taken or the stream has ended. Raises Stalled."""
        if not self.buffered:
            await self._wait_readable(seconds)

    async def _wait_readable(self, seconds: float | None) -> None:
        if self._ended:
            return
        self._readable.clear()
        self._held = False
        self._resume()
        try:
            async with asyncio.timeout(seconds):
                await self._readable.wait()
        except TimeoutError:
            raise Stalled("Nothing came for too long.") from None

    def _take(self, limit: int) -> bytes:
        data = self._arrived.take(limit)
        if self.buffered <= LOW_WATER and not self._held:
            self._resume()
        return data

    def _pause(self) -> None:
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._stopped or self._transport is None or self._transport.is_closing():
            return
        if self._paused and self._loan is None:
            self._paused = False
            self._transport.resume_reading()

    def stop_reading(self) -> None:
        """End the reading side: what has arrived here still comes out, then the end.

        Also what the kernel holds for us now, and not what arrives later, so that a
        newcomer's offset covers all that the old connection had delivered.
        """
        if self._out.ended or self._stopped or self._transport is None:
            return
        if self._loan is not None:
            self._stop_when_back = True
            self._loan.recall()
            return
        waiting = 0 if self._is_tls else unread(self._transport.get_extra_info("socket"))
        if waiting and not self._eof:
            self._stop_at = self.bytes_read + waiting
            self._resume()
        else:
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._pause()
        self._readable.set()

    # Writing

    def put(self, data: bytes | memoryview) -> None:
        """Hand over bytes without waiting, for replies whose number is bounded."""
        self._out.put(data)

    async def drain(self) -> None:
        """Wait until the transport has room. Raises ConnectionLost, Stalled when the peer reads nothing."""
        await self._out.drain()

    async def write(self, data: bytes | memoryview) -> None:
        """Hand over bytes and wait for room. Raises ConnectionLost."""
        self._out.put(data)
        await self._out.drain()

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send a piece of an open file, by the kernel where the bytes need no TLS.

        Raises ConnectionLost, and Damaged when the file is shorter than it should be.
        """
        if self._is_tls:
            await self._out.send_by_hand(file, offset, offset + count)
        else:
            await self._out.send_file(file, offset, count)

    # The end

    async def close(self, linger: float = LINGER_SECONDS) -> None:
        """Finish writing, then read and throw away until the peer closes, `linger` seconds at most."""
        transport = self._transport
        if transport is None:
            return
        self._out.ended, self._stopped, self._stop_at = True, False, None
        if not transport.is_closing() and linger > 0:
            self._finish_writing(transport)
            await self._discard(linger)
        transport.close()

    @staticmethod
    def _finish_writing(transport: asyncio.Transport) -> None:
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                transport.abort()

    async def _discard(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self._eof:
                    self._arrived.clear()
                    await self._wait_readable(None)
        except TimeoutError:
            pass

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._loan is not None:
            self._loan.recall()
        cut(self._transport)


def _set_options(sock: socket.socket | None) -> None:
    """Small replies go at once; a peer that vanished without a word is noticed in about two minutes."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
