"""An open blob on its way into a socket: never from the loop's own thread, and patient without one."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from fileshare.errors import ConnectionLost, Damaged
from fileshare.storage import open_blob
from fileshare.storage.open_blob import OpenBlob
from fileshare.storage.threads import DiskThreads

DATA = bytes(range(256)) * (16 << 12)


@asynccontextmanager
async def one_thread(path: Path) -> AsyncIterator[tuple[OpenBlob, DiskThreads]]:
    """A file, open for sending by a single thread."""
    threads = DiskThreads(1)
    try:
        with closing(OpenBlob(os.open(path, os.O_RDONLY), threads)) as blob:
            yield blob, threads
    finally:
        await threads.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A blob of `DATA`."""
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A blob of ten bytes."""
    path = tmp_path / "short"
    path.write_bytes(b"0123456789")
    return path


@asynccontextmanager
async def line() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: ours does not block, the reader's does."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        reader = socket.create_connection(door.getsockname())
        ours, _ = door.accept()
    ours.setblocking(False)
    with ours, reader:
        yield ours, reader


def read_all(reader: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count and (data := reader.recv(1 << 20)):
        received += data
    return bytes(received)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def remember_threads(monkeypatch: pytest.MonkeyPatch, name: str) -> set[threading.Thread]:
    """The threads that call this function of `os`."""
    callers: set[threading.Thread] = set()
    real: Callable[..., Any] = getattr(os, name)

    def watched(*args: Any) -> Any:
        callers.add(threading.current_thread())
        return real(*args)

    monkeypatch.setattr(os, name, watched)
    return callers


async def test_loop_never_waits_for_the_disk_while_a_file_is_sent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = remember_threads(monkeypatch, "sendfile")
    async with one_thread(path) as (blob, _), line() as (ours, reader):
        reading = asyncio.create_task(asyncio.to_thread(read_all, reader, len(DATA) - 8))
        await blob.send_to(ours.fileno(), 5, len(DATA) - 8, 5)
        assert await reading == DATA[5:-3]
    assert callers
    assert threading.main_thread() not in callers


async def test_loop_never_waits_for_the_disk_while_a_file_is_read(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = remember_threads(monkeypatch, "pread")
    async with one_thread(short) as (blob, _):
        assert await blob.read(3, 100) == b"3456789"
        with pytest.raises(Damaged):
            await blob.read(10, 1)
    assert threading.main_thread() not in callers


async def test_reader_that_pauses_holds_no_thread(path: Path) -> None:
    async with one_thread(path) as (blob, threads), line() as (ours, reader):
        sending = asyncio.create_task(blob.send_to(ours.fileno(), 0, len(DATA), 5))
        await asyncio.to_thread(reader.recv, 1)
        await threads.run(int)  # the only thread is free, though nobody reads
        assert not sending.done()
        rest = await asyncio.to_thread(read_all, reader, len(DATA) - 1)
        await sending
        assert rest == DATA[1:]


async def test_reader_that_is_waited_for_shares_the_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_blob, "TURN_SECONDS", 0)
    async with one_thread(path) as (blob, threads), line() as (ours, reader):
        turns, waits, submit = [], [], threads.submit

        def begun(*args: Any) -> Any:
            turns.append(args)
            return submit(*args)

        def waited(_: int) -> bool:
            waits.append(len(reader.recv(1 << 20)))
            return True

        monkeypatch.setattr(threads, "submit", begun)
        monkeypatch.setattr(open_blob, "_writable", waited)
        await blob.send_to(ours.fileno(), 0, len(DATA), 5)
        assert read_all(reader, len(DATA) - sum(waits)) == DATA[sum(waits) :]
    assert waits
    assert len(turns) == len(waits) + 1


@pytest.mark.parametrize("alone", [True, False])
async def test_file_is_sent_in_one_turn_unless_somebody_else_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    share = len(DATA) // 4
    monkeypatch.setattr(open_blob, "SHARE", share)
    monkeypatch.setattr(open_blob, "TURN_SECONDS", 60)
    monkeypatch.setattr(open_blob, "PATIENCE_MS", 60_000)
    async with one_thread(path) as (blob, threads), line() as (ours, reader):
        turns, submit = [], threads.submit

        def begun(*args: Any) -> Any:
            turns.append(args)
            return submit(*args)

        monkeypatch.setattr(threads, "submit", begun)
        monkeypatch.setattr(threads, "busy", 0 if alone else 1)
        read = asyncio.create_task(asyncio.to_thread(read_all, reader, len(DATA)))
        await blob.send_to(ours.fileno(), 0, len(DATA), 5)
        assert await read == DATA
    assert len(turns) == (1 if alone else -(-len(DATA) // share))


async def test_reader_that_takes_nothing_is_given_up(path: Path) -> None:
    async with one_thread(path) as (blob, _), line() as (ours, _):
        with pytest.raises(ConnectionLost):
            await blob.send_to(ours.fileno(), 0, len(DATA), 0.01)


async def test_reader_that_goes_away_is_a_lost_connection(path: Path) -> None:
    async with one_thread(path) as (blob, _), line() as (ours, reader):
        reader.close()
        with pytest.raises(ConnectionLost):
            await blob.send_to(ours.fileno(), 0, len(DATA), 5)


async def test_file_that_is_shorter_than_told_is_damaged(short: Path) -> None:
    async with one_thread(short) as (blob, _), line() as (ours, _):
        with pytest.raises(Damaged):
            await blob.send_to(ours.fileno(), 0, 11, 5)


async def test_sending_that_is_given_up_leaves_no_descriptor(path: Path) -> None:
    async with one_thread(path) as (blob, threads), line() as (ours, reader):
        before = open_files()
        sending = asyncio.create_task(blob.send_to(ours.fileno(), 0, len(DATA), 5))
        await asyncio.to_thread(reader.recv, 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await threads.run(int)
        assert open_files() == before


async def test_what_a_thread_still_sends_is_closed_behind_it(path: Path) -> None:
    threads = DiskThreads(1)
    before = open_files()
    blob = OpenBlob(os.open(path, os.O_RDONLY), threads)
    async with line() as (ours, reader):
        sending = asyncio.create_task(blob.send_to(ours.fileno(), 0, len(DATA), 5))
        await asyncio.to_thread(reader.recv, 1)
        sending.cancel()
        blob.close()
        assert os.fstat(blob.fileno()).st_size == len(DATA)
        with pytest.raises(asyncio.CancelledError):
            await sending
        await threads.run(int)
    assert open_files() == before
    await threads.stop()
