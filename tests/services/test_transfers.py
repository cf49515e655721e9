"""The register of transfers in flight: what it shows, and what stopping one leaves behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fileshare.domain.model import Receipt, Role
from fileshare.errors import Forbidden, NotFound, Stopped
from fileshare.services import transfers
from fileshare.services.files import Files
from fileshare.services.meters import Direction
from fileshare.services.new_uploads import NewUpload
from fileshare.services.ports import OpenFile
from fileshare.services.transfers import FIRST_PIECE, UNWATCHED, Transfers
from fileshare.services.writer import Writer
from tests.services.shelf import Clock, DiskShelf, caller
from tests.services.test_files import ADMIN, Place
from tests.services.workshop import ADMIN as BOSS
from tests.services.workshop import ANNA, MIB, Bytes, World, sha256

LARGE = bytes(range(256)) * 20_000  # some 5 MB: several pieces


async def begun(world: World, data: bytes = LARGE) -> Writer:
    return await world.begin(NewUpload(path="film.bin", size=len(data), digest=sha256(data)))


async def test_an_upload_shows_who_sends_what_and_how_far_it_is() -> None:
    world = World()
    writer = await begun(world)
    await writer.receive(Bytes([LARGE[:MIB]]), MIB)
    (found,) = world.transfers.list(BOSS)
    assert (found.account, found.door, found.address) == (ANNA.account.name, ANNA.door, ANNA.address)
    assert (found.direction, found.path) == (Direction.RECEIVED, "film.bin")
    assert (found.offset, found.size) == (MIB, len(LARGE))
    await writer.release()
    assert not world.transfers.list(BOSS)


async def test_a_finished_upload_is_gone_from_the_list() -> None:
    world = World()
    writer = await begun(world)
    await writer.receive(Bytes([LARGE]), len(LARGE))
    await writer.finish()
    assert not world.transfers.list(BOSS)


async def waiting(world: World) -> Writer:
    writer = await begun(world)
    await writer.receive(Bytes([LARGE[:MIB]]), MIB)
    await writer.checkpoint()
    world.uploads.park(writer)
    return writer


async def test_an_upload_stays_in_the_list_between_two_of_its_pieces() -> None:
    world = World()
    writer = await waiting(world)
    (before,) = world.transfers.list(BOSS)
    again = await world.uploads.go_on(ANNA, writer.upload.id, lambda: None)
    assert again is writer
    (after,) = world.transfers.list(BOSS)
    assert (after.id, after.started, after.offset) == (before.id, before.started, MIB)
    await writer.release()
    assert not world.transfers.list(BOSS)


async def test_an_upload_whose_next_piece_does_not_come_is_not_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfers, "WAIT_SECONDS", 0.0)
    world = World()
    writer = await waiting(world)
    assert not world.transfers.list(BOSS)
    await world.uploads.go_on(ANNA, writer.upload.id, lambda: None)
    assert len(world.transfers.list(BOSS)) == 1
    await writer.release()


async def test_asking_how_far_an_upload_is_does_not_show_it_as_under_way() -> None:
    world = World()
    writer = await begun(world)
    world.uploads.park(writer)
    await world.uploads.go_on(ANNA, writer.upload.id, lambda: None)
    world.uploads.park(writer)
    assert not world.transfers.list(BOSS)
    await writer.release()


async def test_an_upload_stopped_between_two_pieces_waits_to_tell_the_next() -> None:
    world = World()
    writer = await waiting(world)
    (found,) = world.transfers.list(BOSS)
    world.transfers.stop(BOSS, found.id)
    assert world.transfers.list(BOSS)[0].stopping
    again = await world.uploads.go_on(ANNA, writer.upload.id, lambda: None)
    assert again is writer
    with pytest.raises(Stopped):
        writer.raise_if_stopped()
    await writer.release()


async def test_a_stopped_upload_keeps_its_bytes_and_goes_on_later() -> None:
    world = World()
    asked: list[str] = []
    new = NewUpload(path="film.bin", size=len(LARGE), digest=sha256(LARGE), client_id="mine")
    writer = await world.uploads.begin(ANNA, new, lambda: asked.append("let go"))
    assert isinstance(writer, Writer)
    await writer.receive(Bytes([LARGE[:MIB]]), MIB)
    (found,) = world.transfers.list(BOSS)
    world.transfers.stop(BOSS, found.id)
    assert asked == ["let go"]
    with pytest.raises(Stopped):
        writer.raise_if_superseded()
    await writer.release()
    again = await world.uploads.begin(ANNA, new, lambda: None)
    assert isinstance(again, Writer)
    assert again.offset == MIB
    await again.receive(Bytes([LARGE[MIB:]]), len(LARGE) - MIB)
    receipt: Receipt = await again.finish()
    assert receipt.digest == sha256(LARGE)


async def test_who_stopped_what_stands_in_the_audit_trail() -> None:
    world = World()
    writer = await begun(world)
    world.transfers.stop(BOSS, world.transfers.list(BOSS)[0].id)
    event = (await world.shop.audit.events(BOSS, limit=1))[0]
    assert (event.account, event.action, event.path) == (BOSS.account.name, "stop_transfers", "film.bin")
    assert ANNA.account.name in event.detail
    await writer.release()


async def test_a_user_neither_sees_nor_stops_transfers() -> None:
    world = World()
    writer = await begun(world)
    with pytest.raises(Forbidden):
        world.transfers.list(ANNA)
    with pytest.raises(Forbidden):
        world.transfers.stop(ANNA, world.transfers.list(BOSS)[0].id)
    assert not writer.superseded
    await writer.release()


async def test_a_transfer_that_ended_can_not_be_stopped() -> None:
    world = World()
    writer = await begun(world)
    (found,) = world.transfers.list(BOSS)
    await writer.release()
    with pytest.raises(NotFound):
        world.transfers.stop(BOSS, found.id)


class Gate:
    """A reader that takes bytes only while it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        self.counts: list[int] = []

    async def write(self, data: bytes | memoryview) -> None:
        self.asked.set()
        await self.open.wait()
        self.counts.append(len(data))

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        self.asked.set()
        await self.open.wait()
        self.counts.append(count)


class Downloads:
    """Files of a disk, with their register."""

    def __init__(self, shelf: DiskShelf) -> None:
        self.place = Place(shelf)
        self.register = Transfers(self.place.audit, Clock())
        self.files = Files(
            shelf.catalog,
            shelf.blobs,
            self.place.audit,
            clock=shelf.clock,
            reserve=shelf.reserve,
            nudge=lambda: None,
            transfers=self.register,
        )

    async def begin(self, data: bytes, gate: Gate, start: int = 0) -> "asyncio.Task[None]":
        await self.place.put("film.bin", data)
        found = await self.files.open(caller(Role.USER), "film.bin")
        task = asyncio.create_task(self.files.send(found, start, len(data), gate))
        await gate.asked.wait()
        return task

    def counts(self) -> Sequence[tuple[int, int | None]]:
        return [(one.offset, one.size) for one in self.register.list(ADMIN)]


async def test_a_download_shows_how_far_it_is(disk_shelf: DiskShelf) -> None:
    downloads, gate = Downloads(disk_shelf), Gate()
    task = await downloads.begin(LARGE, gate, start=1000)
    (found,) = downloads.register.list(ADMIN)
    assert (found.direction, found.path, found.offset, found.size) == (
        Direction.SENT,
        "film.bin",
        1000,
        len(LARGE),
    )
    gate.open.set()
    await task
    assert sum(gate.counts) == len(LARGE) - 1000
    assert not downloads.register.list(ADMIN)


async def test_a_small_download_is_sent_in_one_piece_and_not_listed(disk_shelf: DiskShelf) -> None:
    downloads, gate = Downloads(disk_shelf), Gate()
    task = await downloads.begin(bytes(UNWATCHED), gate)
    assert not downloads.register.list(ADMIN)
    gate.open.set()
    await task
    assert gate.counts == [UNWATCHED]


async def test_a_stopped_download_ends_between_two_pieces(disk_shelf: DiskShelf) -> None:
    downloads, gate = Downloads(disk_shelf), Gate()
    task = await downloads.begin(LARGE, gate)
    downloads.register.stop(ADMIN, downloads.register.list(ADMIN)[0].id)
    gate.open.set()
    with pytest.raises(Stopped):
        await task
    assert gate.counts == [FIRST_PIECE]
    outcomes = {event.action: event.outcome for event in await downloads.place.events()}
    assert outcomes["download"] == "stopped"


async def test_a_stopped_download_whose_reader_sleeps_is_cut(
    disk_shelf: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.services.transfers.GRACE_SECONDS", 0)
    downloads, gate = Downloads(disk_shelf), Gate()
    task = await downloads.begin(LARGE, gate)
    downloads.register.stop(ADMIN, downloads.register.list(ADMIN)[0].id)
    with pytest.raises(Stopped):
        await task
    assert not downloads.register.list(ADMIN)


async def test_a_speed_is_of_late_and_tells_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("fileshare.services.transfers.time.monotonic", lambda: now)
    world = World()
    writer = await begun(world)
    await writer.receive(Bytes([LARGE[:MIB]]), MIB)
    now += 2
    (found,) = world.transfers.list(BOSS)
    assert found.speed == MIB / 2
    assert found.seconds_left == (len(LARGE) - MIB) / found.speed
    assert replace(found, speed=0.0).seconds_left is None
    assert replace(found, size=None).seconds_left is None
    await writer.release()
