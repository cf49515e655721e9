"""TLS at the TCP door, and plain text beside it where that is allowed."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
import trustme

from tests.tcp.door import Door, Peer, open_door


def nobody(_address: str) -> bool:
    return False


def anybody(_address: str) -> bool:
    return True


Allowed = Callable[[str], bool] | None


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ours(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def theirs(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def listening(door: Door, ours: ssl.SSLContext, plain_from: Allowed) -> int:
    ((_, port),) = await door.server.start("127.0.0.1", 0, ours, plain_from)
    return port


async def logs_in(port: int, context: ssl.SSLContext | None) -> bool:
    """Whether a client of version 1 gets in; False when it is cut off."""
    try:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", port, ssl=context))
    except OSError:
        return False
    try:
        await peer.log_in()
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    finally:
        await peer.close()
    return True


@pytest.mark.parametrize(
    ("plain_from", "plain_gets_in"),
    [(None, False), (nobody, False), (anybody, True)],
    ids=["off", "others", "all"],
)
async def test_plain_text_is_served_only_where_it_is_allowed(
    ours: ssl.SSLContext, theirs: ssl.SSLContext, plain_from: Allowed, plain_gets_in: bool
) -> None:
    async with open_door() as door:
        port = await listening(door, ours, plain_from)
        assert await logs_in(port, theirs)
        assert await logs_in(port, None) is plain_gets_in


async def test_silent_connection_is_cut_and_the_door_serves_on(
    ours: ssl.SSLContext, theirs: ssl.SSLContext
) -> None:
    async with open_door(first_frame_seconds=0.05) as door:
        port = await listening(door, ours, anybody)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    async with open_door() as door:
        assert await logs_in(await listening(door, ours, anybody), theirs)


async def test_silent_connections_give_way_to_a_newcomer(
    ours: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.tcp.mixed.MAX_UNDECIDED", 2)
    async with open_door() as door:
        port = await listening(door, ours, anybody)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await logs_in(port, None)
        assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_half_a_handshake_is_cut(ours: ssl.SSLContext) -> None:
    async with open_door(first_frame_seconds=0.05) as door:
        port = await listening(door, ours, anybody)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_drained_door_takes_nobody(ours: ssl.SSLContext, theirs: ssl.SSLContext) -> None:
    async with open_door() as door:
        port = await listening(door, ours, anybody)
        await door.server.drain(0)
        assert not await logs_in(port, theirs)


async def test_taken_address_is_told(ours: ssl.SSLContext) -> None:
    async with open_door() as door:
        port = await listening(door, ours, anybody)
        with pytest.raises(OSError, match="in use"):
            await door.server.start("127.0.0.1", port, ours, anybody)
