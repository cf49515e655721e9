"""The stream alone, on a pair of sockets: nothing read is lost, nobody waits for ever."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from fileshare.errors import ConnectionLost, Damaged
from fileshare.services.lending import FLOWING, SocketLoan, unread
from fileshare.tcp.outflow import Stalled
from fileshare.tcp.stream import HIGH_WATER, Stream
from tests.storage.open_files import opened


@asynccontextmanager
async def pair(stall_seconds: float = 5) -> AsyncIterator[tuple[Stream, socket.socket]]:
    """A stream, and a blocking socket at its other end."""
    loop = asyncio.get_running_loop()
    connected: asyncio.Queue[Stream] = asyncio.Queue()
    server = await loop.create_server(lambda: Stream(connected.put_nowait, stall_seconds), "127.0.0.1", 0)
    peer = socket.create_connection(server.sockets[0].getsockname())
    stream = await connected.get()
    try:
        yield stream, peer
    finally:
        peer.close()
        stream.abort()
        server.close()
        await server.wait_closed()


async def until_read(stream: Stream, count: int) -> None:
    while stream.bytes_read < count:
        await asyncio.sleep(0)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def test_what_was_read_comes_out_after_a_reset() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"x" * 5000)
        await until_read(stream, 5000)
        reset(peer)
        while not stream.lost:
            await asyncio.sleep(0)
        assert await stream.read(3000) == b"x" * 3000
        assert await stream.read(3000) == b"x" * 2000
        assert await stream.read(3000) == b""


async def test_what_was_read_comes_out_after_stop_reading() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"x" * 50)
        await until_read(stream, 50)
        stream.stop_reading()
        assert await stream.read(100) == b"x" * 50
        assert await stream.read(100) == b""


async def test_what_the_kernel_holds_comes_out_after_stop_reading_and_nothing_later() -> None:
    async with pair() as (stream, peer):
        stream._pause()
        peer.sendall(b"x" * 50_000)
        while unread(stream._transport.get_extra_info("socket")) < 50_000:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        stream.stop_reading()
        received = bytearray()
        while data := await stream.read(1 << 20):
            received += data
            peer.sendall(b"later")
        assert received.startswith(b"x" * 50_000)
        assert len(received) <= 50_000 + len(b"later")


async def test_exactly_gathers_pieces() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"ab")
        await until_read(stream, 2)
        waiting = asyncio.create_task(stream.read_exactly(4, 5))
        await asyncio.sleep(0)
        peer.sendall(b"cdef")
        assert await waiting == b"abcd"
        assert await stream.read(10) == b"ef"


async def test_exactly_tells_a_goodbye_from_a_cut() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"ab")
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionLost):
            await stream.read_exactly(4, 5)
    async with pair() as (stream, peer):
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read_exactly(4, 5) is None


async def test_a_silent_peer_is_given_up() -> None:
    async with pair(stall_seconds=0.01) as (stream, _):
        with pytest.raises(Stalled):
            await stream.read(1)
        with pytest.raises(Stalled):
            await stream.read_exactly(1, 0.01)


async def test_reading_ahead_is_bounded() -> None:
    async with pair() as (stream, peer):
        sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * (8 * HIGH_WATER)))
        await until_read(stream, HIGH_WATER)
        for _ in range(100):
            await asyncio.sleep(0)
        assert stream.buffered < 2 * HIGH_WATER
        received = 0
        while received < 8 * HIGH_WATER:
            received += len(await stream.read(HIGH_WATER))
        await sending


async def test_a_file_is_sent_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = bytes(range(256)) * 8192
    path.write_bytes(data)
    async with pair() as (stream, peer):
        async with opened(path) as file:
            sending = asyncio.create_task(stream.send_file(file, 100, len(data) - 100))
            received = bytearray()
            while len(received) < len(data) - 100:
                received += await asyncio.to_thread(peer.recv, 1 << 20)
            await sending
    assert received == data[100:]


async def test_a_file_that_is_too_short_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"short")
    async with pair() as (stream, _):
        async with opened(path) as file:
            with pytest.raises(Damaged):
                await stream.send_file(file, 0, 100)


async def test_a_peer_that_reads_nothing_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(64 << 20))
    async with pair(stall_seconds=0.05) as (stream, _):
        async with opened(path) as file:
            with pytest.raises(ConnectionLost):
                await stream.send_file(file, 0, 64 << 20)


async def test_the_last_word_arrives_though_the_peer_still_sends() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"x" * 100_000)
        await until_read(stream, 1)
        stream.put(b"the reason")
        closing = asyncio.create_task(stream.close(5))
        peer.sendall(b"y" * 100_000)
        assert await asyncio.to_thread(peer.recv, 100) == b"the reason"
        assert await asyncio.to_thread(peer.recv, 100) == b""
        peer.close()
        await closing


async def test_stop_reading_while_a_close_lingers_changes_nothing() -> None:
    """It once made the lingering loop spin and the whole server stand still."""
    async with pair() as (stream, peer):
        closing = asyncio.create_task(stream.close(5))
        await asyncio.sleep(0)
        stream.stop_reading()
        await asyncio.sleep(0)
        assert not closing.done()
        peer.close()
        await closing


async def test_writing_to_a_peer_that_is_gone_is_a_lost_connection() -> None:
    async with pair() as (stream, peer):
        reset(peer)
        while not stream.lost:
            await asyncio.sleep(0)
        with pytest.raises(ConnectionLost):
            await stream.write(b"x")


class Borrowed:
    """Counts what was taken of a loan."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self, count: int) -> None:
        self.taken += count


async def until_lent(stream: Stream, took: Borrowed) -> SocketLoan:
    while (loan := stream.lend(1 << 20, took)) is None:
        if stream.buffered:
            await stream.read(HIGH_WATER)
        await asyncio.sleep(0)
    return loan


async def test_socket_is_lent_when_much_waits_and_nothing_is_in_memory() -> None:
    async with pair() as (stream, peer):
        peer.sendall(b"slow")
        await until_read(stream, 4)
        assert stream.lend(1 << 20, Borrowed()) is None
        sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * (8 << 20)))
        took = Borrowed()
        loan = await until_lent(stream, took)
        before = stream.bytes_read
        loan.give_back(len(os.read(loan.socket, FLOWING)))
        assert took.taken == stream.bytes_read - before > 0
        while stream.bytes_read < 4 + (8 << 20):
            await stream.read(HIGH_WATER)
        await sending


async def test_nothing_is_read_by_the_loop_while_the_socket_is_lent() -> None:
    async with pair() as (stream, peer):
        sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * (8 << 20)))
        loan = await until_lent(stream, Borrowed())
        before = stream.bytes_read
        for _ in range(100):
            await asyncio.sleep(0)
        assert stream.bytes_read == before
        assert stream.lend(1 << 20, Borrowed()) is None
        loan.give_back(0)
        while stream.bytes_read < 8 << 20:
            await stream.read(HIGH_WATER)
        await sending


async def test_header_between_two_loans_is_read_alone() -> None:
    async with pair() as (stream, peer):
        sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * (8 << 20)))
        (await until_lent(stream, Borrowed())).give_back(0)
        before = stream.bytes_read
        assert await stream.read_exactly(9, 5) == b"x" * 9
        assert stream.bytes_read == before + 9
        loan = stream.lend(1 << 20, Borrowed())
        assert loan is not None
        loan.give_back(0)
        stream.abort()
        with suppress(OSError):
            await sending


async def test_newcomer_calls_the_socket_back_and_what_lies_there_still_comes_out() -> None:
    async with pair() as (stream, peer):
        sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * (64 << 20)))
        loan = await until_lent(stream, Borrowed())
        stream.stop_reading()
        assert loan.recalled
        taken = len(os.read(loan.socket, 1000))
        before, lying_there = stream.bytes_read, unread(peer_socket(stream))
        loan.give_back(taken)
        received = 0
        while data := await stream.read(HIGH_WATER):
            received += len(data)
        assert stream.bytes_read == before + taken + received
        assert received >= lying_there > 0
        assert stream.lend(1 << 20, Borrowed()) is None
        stream.abort()
        with suppress(OSError):
            await sending


def peer_socket(stream: Stream) -> socket.socket:
    assert stream._transport is not None
    found: socket.socket = stream._transport.get_extra_info("socket")
    return found
