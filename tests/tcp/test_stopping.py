"""An admin stops transfers at the TCP door: what its client hears, and what it can do afterwards."""

from collections.abc import AsyncIterator

import pytest

from fileshare.services.transfers import Mover
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted
from tests.services.workshop import ADMIN, MIB, sha256
from tests.tcp.door import Door, Peer2, open_door
from tests.web.programs import until

DATA = bytes(range(256)) * (MIB // 256)
HASH = sha256(DATA)
ID = "0123456789abcdef"
SENT = 100_000


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


def stop_the_only_one(door: Door) -> None:
    (one,) = door.world.transfers.list(ADMIN)
    door.world.transfers.stop(ADMIN, one.id)


async def arrived(door: Door) -> None:
    await until(lambda: [one.offset for one in door.world.transfers.list(ADMIN)] == [SENT])


async def test_stopped_upload_of_version_2_is_told_and_goes_on_when_asked_again(door: Door) -> None:
    async with door.peer2() as peer:
        assert isinstance(await peer.call(m.Upload(upload_id=ID, path="a.bin", size=len(DATA))), m.Ready)
        peer.send_segments(DATA[:SENT])
        await arrived(door)
        stop_the_only_one(door)
        told = await peer.next()
        assert isinstance(told, m.Error)
        assert (told.code, told.message.startswith("An admin stopped")) == ("stopped", True)
    async with door.peer2() as peer:
        ready = await peer.call(m.Upload(upload_id=ID, path="a.bin", size=len(DATA)))
        assert isinstance(ready, m.Ready)
        assert ready.offset == SENT
        peer.send_segments(DATA[SENT:], 1 << 16)
        peer.send_raw(peer.wire.end(len(DATA), HASH))
        stored = await peer.next()
        assert isinstance(stored, m.Stored)
        assert stored.digest == HASH


async def test_stopped_upload_of_version_1_is_told_and_goes_on_when_asked_again(door: Door) -> None:
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a.bin", file_size=len(DATA), file_hash=HASH)
        peer.send_raw(DATA[:SENT])
        await arrived(door)
        stop_the_only_one(door)
        status, error = await peer.reply()
        assert (status, error["code"]) == ("ERROR", "stopped")
    async with door.peer1() as peer:
        _, ready = await peer.ask("RESUME", filename="a.bin", file_hash=HASH)
        assert ready["bytes_received"] == SENT
        peer.send_raw(DATA[SENT:])
        assert (await peer.reply())[1]["hash"] == HASH


async def upload(peer: Peer2, data: bytes) -> None:
    await peer.call(m.Upload(upload_id=ID, path="a.bin", size=len(data)))
    peer.send_segments(data, 1 << 20)
    peer.send_raw(peer.wire.end(len(data), sha256(data)))
    assert isinstance(await peer.next(), m.Stored)


async def test_download_of_version_2_that_is_stopped_between_two_pieces_is_told_why(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer, DATA)
        stop_as_soon_as_it_begins(door)
        assert isinstance(await peer.call(m.Download(path="a.bin")), m.DownloadBegin)
        told = await peer.next()
        assert isinstance(told, Aborted)
        assert told.code == "stopped"
        assert isinstance(await peer.call(m.List(path="")), m.EntryPage)


def stop_as_soon_as_it_begins(door: Door) -> None:
    """Before its first piece."""
    begin = door.world.transfers.begin

    def begin_and_stop(mover: Mover) -> int:
        number = begin(mover)
        mover.halt()
        return number

    door.world.transfers.begin = begin_and_stop  # type: ignore[method-assign]
