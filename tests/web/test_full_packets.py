"""The head of a download leaves with its first bytes, and nothing is kept back behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fileshare.web.sinks import in_full_packets
from tests.web.house import open_house
from tests.web.programs import program, store

needs_cork = pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="a system without TCP_CORK")


@asynccontextmanager
async def line() -> AsyncIterator[asyncio.Transport]:
    """One end of a connection whose other end reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, *door.getsockname()
        )
        try:
            yield transport
        finally:
            transport.abort()
            await asyncio.sleep(0)  # for the loop to close it


def corked(transport: asyncio.Transport) -> bool:
    line: socket.socket = transport.get_extra_info("socket")
    return bool(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK))


@needs_cork
async def test_packets_are_filled_within_and_never_afterwards() -> None:
    async with line() as transport:
        with in_full_packets(transport):
            assert corked(transport)
        assert not corked(transport)
        with pytest.raises(ConnectionError), in_full_packets(transport):
            raise ConnectionError
        assert not corked(transport)


async def test_line_that_is_lost_meanwhile_disturbs_nobody() -> None:
    async with line() as transport:
        with in_full_packets(transport):
            transport.abort()
            await asyncio.sleep(0)
        with in_full_packets(transport):
            pass
    with in_full_packets(None):
        pass


@needs_cork
async def test_download_leaves_its_line_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    real = socket.socket.setsockopt

    def watched(self: socket.socket, level: int, name: int, value: int) -> None:
        if (level, name) == (socket.IPPROTO_TCP, socket.TCP_CORK):
            told.append(bool(value))
        real(self, level, name, value)

    monkeypatch.setattr(socket.socket, "setsockopt", watched)
    async with open_house() as house, program(house) as anna:
        await store(house, "a", b"abc")
        assert (await anna.get("/files/a")).body == b"abc"
        assert (await anna.get("/files/a", Range="bytes=0-0,2-2")).status == 206
    assert told == [True, False, True, False]
