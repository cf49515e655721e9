"""Bytes taken by a thread from a lent socket: in order with the others, none lost, the socket given back."""

import asyncio
import os
import random
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fileshare.errors import NoSpace, StorageFailed
from fileshare.services import lending
from fileshare.services.lending import Loan
from fileshare.storage.direct_writer import WORTH, Buffers
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.intake import SLICE, Taking
from fileshare.storage.parts import DiskPart
from fileshare.storage.threads import THREADS, DiskThreads
from tests.storage.builders import BOOT, digest_of, new_id

DATA = bytes(range(256)) * (12 << 10)


class LentSocket:
    """A loan that remembers what became of it."""

    def __init__(self, socket: int, limit: int) -> None:
        self.socket = socket
        self.limit = limit
        self.recalled = False
        self.heard = b""
        self.taken: int | None = None

    def due(self, taken: int) -> int:
        return self.limit - taken

    def recall(self) -> None:
        self.recalled = True

    def passed(self, data: memoryview) -> None:
        self.heard += data

    def give_back(self, taken: int) -> None:
        assert self.taken is None, "given back twice"
        self.taken = taken


class Peer:
    """A source with a socket: lends it `lends` times, and reads it by the loop otherwise."""

    def __init__(self, ours: socket.socket, *, lends: int = 1 << 30, limit: int = 1 << 30) -> None:
        self._ours = ours
        self._lends = lends
        self._limit = limit
        self.loans: list[LentSocket] = []
        self.by_loop = 0
        self.lent = asyncio.Event()

    async def lend(self, limit: int) -> Loan | None:
        if len(self.loans) >= self._lends:
            return None
        self.loans.append(LentSocket(self._ours.fileno(), min(limit, self._limit)))
        self.lent.set()
        return self.loans[-1]

    async def read(self, limit: int) -> bytes:
        data = await asyncio.get_running_loop().sock_recv(self._ours, limit)
        self.by_loop += len(data)  # also where the sender's thread is kept waiting for a tenth of a second
        return data


@asynccontextmanager
async def line() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Our end, which does not block, and the sender's."""
    ours, sender = socket.socketpair()
    ours.setblocking(False)
    with ours, sender:
        yield ours, sender


def send_all(sender: socket.socket, data: bytes) -> None:
    sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)


@pytest.fixture(params=[0, WORTH], ids=["past the page cache", "through it"])
async def disk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DiskBlobs]:
    monkeypatch.setattr("fileshare.storage.inflow.WORTH", request.param)
    opened = DiskBlobs(tmp_path, BOOT)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize("limit", [1000, 100_000, 1 << 30], ids=str)
async def test_all_that_a_socket_gives_is_kept_in_order(disk: DiskBlobs, limit: int) -> None:
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        peer = Peer(ours, limit=limit)
        sending = asyncio.create_task(asyncio.to_thread(send_all, sender, DATA))
        assert await part.receive(peer, len(DATA) + 1) == len(DATA)
        await sending
    assert await part.digest() == digest_of(DATA)
    assert sum(loan.taken or 0 for loan in peer.loans) + peer.by_loop == len(DATA)
    assert peer.by_loop or b"".join(loan.heard for loan in peer.loans) == DATA
    await part.close()


async def test_loop_and_thread_take_turns_without_mixing_the_bytes(disk: DiskBlobs) -> None:
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sending = asyncio.create_task(asyncio.to_thread(send_all, sender, DATA))
        for lends in (0, 1, 0, 1, 0):
            await part.receive(Peer(ours, lends=lends, limit=70_001), 200_003)
        await part.receive(Peer(ours), len(DATA))
        await sending
    assert await part.digest() == digest_of(DATA)
    await part.close()


async def test_what_the_loop_reads_takes_no_buffers_from_those_that_flow(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Buffers] = []

    def take(buffers: Buffers) -> None:
        taken.append(buffers)

    monkeypatch.setattr(Buffers, "take", take)
    monkeypatch.setattr("fileshare.direct_io.DirectFile.is_direct", True)
    monkeypatch.setattr("fileshare.storage.inflow.WORTH", 10)
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        for _ in range(3):
            sender.sendall(b"x" * 100)
            assert await part.receive(Peer(ours, lends=0), 100) == 100
        assert not taken
        sender.sendall(b"x" * 100)
        assert await part.receive(Peer(ours), 100) == 100
        assert taken
    await part.close()


async def test_no_more_is_taken_than_the_loan_allows(disk: DiskBlobs) -> None:
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sender.sendall(b"0123456789")
        peer = Peer(ours, lends=1, limit=7)
        assert await part.receive(peer, 7) == 7
        assert ours.recv(100) == b"789"
    assert await part.digest() == digest_of(b"0123456")
    await part.close()


async def test_what_came_before_a_reset_is_kept(disk: DiskBlobs) -> None:
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sender.sendall(b"before the end")
        sender.close()
        assert await part.receive(Peer(ours), 100) == 14
    assert await part.digest() == digest_of(b"before the end")
    await part.close()


async def test_caller_that_is_cancelled_leaves_the_socket_given_back_and_the_bytes_kept(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = threading.Event()

    def readable(socket: int, milliseconds: int) -> bool:
        waiting.set()
        return lending.readable(socket, milliseconds)

    monkeypatch.setattr("fileshare.storage.intake.readable", readable)
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sender.sendall(b"came")
        peer = Peer(ours)
        receiving = asyncio.create_task(part.receive(peer, 100))
        await asyncio.to_thread(waiting.wait)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        assert [(loan.taken, loan.recalled) for loan in peer.loans] == [(4, True)]
    assert part.offset == 4
    await part.close()


async def test_a_turn_that_is_over_gives_the_thread_back_and_goes_on(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.storage.intake.TURN_SECONDS", 0)
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        peer = Peer(ours)
        sending = asyncio.create_task(asyncio.to_thread(send_all, sender, DATA))
        assert await part.receive(peer, len(DATA)) == len(DATA)
        await sending
        assert len(peer.loans) >= len(DATA) // SLICE
    assert await part.digest() == digest_of(DATA)
    await part.close()


async def test_the_loop_hears_of_what_came_while_the_thread_goes_on(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.storage.intake.SHARE", 4)
    part = await disk.create(new_id())
    heard: list[int | None] = []
    async with line() as (ours, sender):
        peer = Peer(ours, lends=1)

        def came() -> None:
            if peer.loans:
                heard.append(peer.loans[0].taken)
                if len(heard) == 1:
                    sender.sendall(b"more")

        sender.sendall(b"some")
        assert await part.receive(peer, 8, came) == 8
    assert heard[0] is None
    assert await part.digest() == digest_of(b"somemore")
    await part.close()


@pytest.mark.parametrize("alone", [True, False])
def test_a_turn_ends_after_its_share_where_others_wait(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.storage.intake.SHARE", 1)
    monkeypatch.setattr("fileshare.storage.intake.TURN_SECONDS", 60)
    ours, sender = socket.socketpair()
    with ours, sender:
        ours.setblocking(False)
        sender.sendall(b"x" * 1000)
        sender.shutdown(socket.SHUT_WR)
        taking = Taking(LentSocket(ours.fileno(), 1000), lambda: alone)
        kept = 0

        def keep(view: memoryview) -> bool:
            nonlocal kept
            kept += len(view)
            return True

        taking.run(lambda _: memoryview(bytearray(100)), keep)
    assert (taking.taken, kept, taking.flows) == ((1000, 1000, False) if alone else (100, 100, True))


async def test_threads_know_how_much_of_their_work_is_not_done() -> None:
    threads, go_on = DiskThreads(1), threading.Event()
    works = [threads.submit(go_on.wait) for _ in range(3)]
    assert threads.busy == 3
    works[2].cancel()
    go_on.set()
    await asyncio.wait(works)
    await asyncio.sleep(0)
    assert threads.busy == 0
    await threads.stop()


async def test_full_disk_gives_the_socket_back(disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sender.sendall(b"x" * 1000)
        peer = Peer(ours)
        monkeypatch.setattr(os, "writev", full)
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(NoSpace):
            await part.receive(peer, 1000)
        assert [loan.taken for loan in peer.loans] == [1000]
    assert part.offset == 0
    await part.close()


async def test_bytes_before_and_after_a_slow_loan_do_not_overwrite_each_other(
    disk: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow loan is written at its very end because its bytes have waited; then the loop goes on."""
    monkeypatch.setattr("fileshare.storage.direct_writer.LONGEST_WAIT", -1)
    upload_id, before, slow, after = new_id(), b"a" * 5000, b"b" * 300_000, b"c" * 100_000
    part = await disk.create(upload_id)
    async with line() as (ours, sender):
        sending = asyncio.create_task(asyncio.to_thread(send_all, sender, before + slow + after))
        await part.receive(Peer(ours, lends=0), len(before))
        await part.receive(Peer(ours, lends=1, limit=len(slow)), len(slow + after))
        await part.receive(Peer(ours, lends=0), 1 << 20)
        await sending
    assert await part.sync() == len(before + slow + after)
    await part.close()
    assert (tmp_path / "uploads" / f"{upload_id}.part").read_bytes() == before + slow + after


async def test_many_parts_that_write_their_last_bytes_do_not_wait_for_each_other(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each needs a disk thread for its write, while all of them are busy with syncs at first."""
    began, go_on = threading.Semaphore(0), threading.Event()
    real = os.fdatasync

    def slow(fd: int) -> None:
        began.release()
        go_on.wait(20)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", slow)
    parts = [await disk.create(new_id()) for _ in range(2 * THREADS)]
    for part in parts:
        await received(part, b"x" * 5000)
    syncs = [asyncio.create_task(part.sync()) for part in parts[:THREADS]]
    for _ in syncs:
        await asyncio.to_thread(began.acquire)
    receiving = [asyncio.create_task(received(part, b"y" * 100)) for part in parts[THREADS:]]
    await asyncio.sleep(0.05)
    go_on.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*syncs, *receiving)
    for part in parts:
        assert part.offset in (5000, 5100)
        await part.close()


class Faulty(Peer):
    """Its loans fail, once, in the thread, after the bytes have left the socket."""

    async def lend(self, limit: int) -> Loan | None:
        loan = await super().lend(limit)
        if loan is not None and len(self.loans) == 2:
            self.loans[-1].passed = broken  # type: ignore[method-assign]
        return loan


def broken(data: memoryview) -> None:
    raise MemoryError


async def test_bytes_lost_by_an_unforeseen_error_end_the_part_and_are_told_as_taken(
    disk: DiskBlobs, tmp_path: Path
) -> None:
    part = await disk.create(new_id())
    async with line() as (ours, sender):
        sender.sendall(b"kept" * 1000)
        assert await part.receive(Peer(ours, limit=4000), 4000) == 4000
        assert await part.sync() == 4000
        sender.sendall(b"lost" * 2000)
        peer = Faulty(ours, limit=4000)
        with pytest.raises(MemoryError):
            await part.receive(peer, 8000)
        assert [loan.taken for loan in peer.loans] == [4000, 4000]
    with pytest.raises(StorageFailed):
        await part.receive(Peer(ours), 1)
    assert part.offset == 4000
    await part.close()
    assert (tmp_path / "uploads" / f"{part.upload_id}.part").read_bytes() == b"kept" * 1000


async def test_bytes_of_the_loop_lost_by_an_unforeseen_error_end_the_part(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = await disk.create(new_id())
    monkeypatch.setattr(os, "writev", lambda *_: broken(memoryview(b"")))
    async with line() as (ours, sender):
        sender.sendall(b"lost")
        with pytest.raises(StorageFailed):
            await part.receive(Peer(ours, lends=0), 4)
    assert part.offset == 0
    await part.close()


async def received(part: DiskPart, data: bytes) -> None:
    async with line() as (ours, sender):
        send_all(sender, data)
        assert await part.receive(Peer(ours), len(data)) == len(data)


async def test_file_that_is_shorter_than_what_was_written_is_never_believed(
    disk: DiskBlobs, tmp_path: Path
) -> None:
    upload_id = new_id()
    part = await disk.create(upload_id)
    await received(part, b"x" * 5000)
    os.truncate(tmp_path / "uploads" / f"{upload_id}.part", 4000)
    with pytest.raises(StorageFailed):
        await part.sync()
    await part.close()


@pytest.mark.parametrize("seed", range(3))
async def test_any_mixture_of_ways_leaves_the_same_file(
    disk: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    upload_id, data = new_id(), chance.randbytes(3_000_000)
    part = await disk.create(upload_id)
    async with line() as (ours, sender):
        sending = asyncio.create_task(asyncio.to_thread(send_all, sender, data))
        while part.offset < len(data):
            monkeypatch.setattr("fileshare.storage.direct_writer.LONGEST_WAIT", chance.choice([-1, 0.25]))
            monkeypatch.setattr("fileshare.storage.intake.TURN_SECONDS", chance.choice([0, 0.25]))
            limit = chance.choice([1, 4096, 70_000, 300_001, 1_500_000])
            await part.receive(Peer(ours, lends=chance.choice([0, 1, 2, 99]), limit=limit), limit)
            if chance.random() < 0.2:
                assert await part.sync() == part.offset
        await sending
    assert await part.digest() == digest_of(data)
    await part.close()
    assert (tmp_path / "uploads" / f"{upload_id}.part").read_bytes() == data
