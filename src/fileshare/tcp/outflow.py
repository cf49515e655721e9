"""The way out of one connection: replies, and files by the kernel where it can."""

import asyncio

from fileshare.errors import ConnectionLost
from fileshare.services.ports import OpenFile

READ_AHEAD = 256 << 10
"""Bytes of a file read at a time where the kernel can't send by itself."""


class Stalled(ConnectionLost):
    """Nothing moved for too long."""


class Outflow:
    """What is sent, and how long a reader who takes nothing is waited for."""

    def __init__(self, stall_seconds: float) -> None:
        self.ended = False
        """Nothing more is to be said."""
        self._stall_seconds = stall_seconds
        self._transport: asyncio.Transport | None = None
        self._lost = False
        self._writable = asyncio.Event()
        self._writable.set()

    # What the loop tells

    def connected(self, transport: asyncio.Transport) -> None:
        """A connection stands."""
        self._transport = transport

    def pause(self) -> None:
        """The transport's buffer is full."""
        self._writable.clear()

    def resume(self) -> None:
        """The transport's buffer has room."""
        self._writable.set()

    def lost(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._writable.set()

    # What is sent

    def put(self, data: bytes | memoryview) -> None:
        """Hand over bytes without waiting, for replies whose number is bounded."""
        if self._transport is not None and not self.ended and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the transport has room. Raises ConnectionLost, Stalled when the peer reads nothing."""
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._writable.wait()
            except TimeoutError:
                raise Stalled("The other side has not read for too long.") from None
        if self._lost:
            raise ConnectionLost()

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send a piece of an open file by the kernel. Raises ConnectionLost and Damaged."""
        await self._flush()
        if self._transport is None or self._transport.is_closing():
            raise ConnectionLost()
        socket = self._transport.get_extra_info("socket").fileno()
        await file.send_to(socket, offset, count, self._stall_seconds)

    async def _flush(self) -> None:
        """Wait until the socket has taken all that was written. Raises as `drain`."""
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=0)
            try:
                await self.drain()
            finally:
                self._transport.set_write_buffer_limits()

    async def send_by_hand(self, file: OpenFile, offset: int, end: int) -> None:
        """As `send_file`, where the kernel can't: under TLS."""
        while offset < end:
            data = await file.read(offset, min(READ_AHEAD, end - offset))
            self.put(data)
            await self.drain()
            offset += len(data)
