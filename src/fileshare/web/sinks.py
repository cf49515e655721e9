"""The body of a response as a sink for the services: sendfile where it can be, always with patience.

A reader that takes nothing for too long is cut, and so is everything that ends early:
a short body must never look whole.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from aiohttp import web

from fileshare.errors import ConnectionLost
from fileshare.services.ports import OpenFile

PIECE = 64 << 10
"""Bytes handed over at a time, each within the stall limit: about 1 KiB/s at 60 s is the least."""

READ_AHEAD = 256 << 10
"""Bytes read from the disk at a time where the kernel can't send by itself."""


class ResponseSink:
    """A prepared response, written to as the reader takes it."""

    def __init__(self, request: web.Request, response: web.StreamResponse, stall_seconds: float) -> None:
        self._request = request
        self._response = response
        self._stall_seconds = stall_seconds

    async def write(self, data: bytes | memoryview) -> None:
        """Send `data`; returns when there is room for more. Raises ConnectionLost."""
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            async with _patience(self._stall_seconds):
                await self._response.write(view[start : start + PIECE])

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send a piece of an open file. Raises ConnectionLost, and Damaged when the file is too short."""
        if self._sends_files:
            await self._by_kernel(file, offset, count)
        else:
            await self._by_hand(file, offset, offset + count)

    @property
    def _sends_files(self) -> bool:
        """Plain TCP, and a body whose length was told."""
        transport = self._request.transport
        told = self._response.content_length is not None
        return told and transport is not None and transport.get_extra_info("sslcontext") is None

    async def _by_kernel(self, file: OpenFile, offset: int, count: int) -> None:
        transport = self._request.transport
        if transport is None:
            raise ConnectionLost()
        await self._flush(transport)
        if transport.is_closing():
            raise ConnectionLost()
        line = transport.get_extra_info("socket").fileno()
        await file.send_to(line, offset, count, self._stall_seconds)

    async def _flush(self, transport: asyncio.Transport) -> None:
        """Wait until the socket has taken all that was written."""
        writer = await self._response.prepare(self._request)  # the one it has, since it was prepared
        transport.set_write_buffer_limits(high=0)
        try:
            async with _patience(self._stall_seconds):
                if writer is not None:
                    await writer.drain()
        finally:
            transport.set_write_buffer_limits()

    async def _by_hand(self, file: OpenFile, offset: int, end: int) -> None:
        while offset < end:
            data = await file.read(offset, min(READ_AHEAD, end - offset))
            await self.write(data)
            offset += len(data)


@contextmanager
def in_full_packets(transport: asyncio.Transport | None) -> Iterator[None]:
    """What is written within leaves in full packets: the head with the first bytes, the rest at the end.

    A head by itself woke the reader once more for each file.
    """
    _cork(transport, True)
    try:
        yield
    finally:
        _cork(transport, False)


def _cork(transport: asyncio.Transport | None, corked: bool) -> None:
    line = None if transport is None else transport.get_extra_info("socket")
    if line is not None and hasattr(socket, "TCP_CORK"):
        with suppress(OSError):  # gone, or no TCP
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, corked)


@asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """A wait for the reader that has an end; whatever shows that it has gone becomes ConnectionLost."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ConnectionLost("The other side has not read for too long.") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: asyncio's sendfile on a closing transport
        raise ConnectionLost() from error
