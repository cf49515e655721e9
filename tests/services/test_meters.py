"""What the services count, once for both doors."""

import pytest
from msgspec.structs import replace

from fileshare.domain.model import Door, OnConflict
from fileshare.errors import ConnectionLost, DigestMismatch, NotFound
from fileshare.services.files import Files
from fileshare.services.measures import USAGE_SECONDS, Measures
from fileshare.services.meters import Direction, Histogram, Meters, Refusal
from fileshare.services.new_uploads import NewUpload
from fileshare.services.transfers import UNWATCHED
from fileshare.services.whole_files import SmallFile, WholeFiles
from fileshare.storage.memory import MemoryReserve
from tests.services.workshop import ANNA, MIB, Bytes, Collected, World, sha256

WEB_ANNA = replace(ANNA, door=Door.WEB)


def files_of(world: World) -> Files:
    shop = world.shop
    return Files(
        world.catalog,
        world.blobs,
        shop.audit,
        clock=world.clock,
        reserve=MemoryReserve(),
        nudge=lambda: None,
        meters=shop.meters,
    )


def counting() -> World:
    world = World()
    world.shop.audit.on_noted(world.shop.meters.note)
    return world


async def test_bytes_and_files_that_come_are_counted_by_door() -> None:
    world = counting()
    for who, path in ((ANNA, "a"), (WEB_ANNA, "b"), (WEB_ANNA, "c")):
        writer = await world.begin(NewUpload(path, size=200), who)
        await writer.receive(Bytes([b"x" * 150, b"y" * 50]), 200)
        await writer.finish()
    small = SmallFile("client-id-of-ones", "d", sha256(b"abc"), b"abc")
    await WholeFiles(world.shop).put(ANNA, [small], OnConflict.KEEP_BOTH)
    meters = world.shop.meters
    assert meters.bytes == {(Direction.RECEIVED, "tcp"): 203, (Direction.RECEIVED, "web"): 400}
    assert meters.uploads == {"tcp": 2, "web": 2}
    assert not meters.refusals


async def test_bytes_before_a_lost_connection_are_counted_and_nothing_stays_in_flight() -> None:
    world = counting()
    writer = await world.begin(NewUpload("a", size=200), ANNA)
    with pytest.raises(ConnectionLost):
        await writer.receive(Bytes([b"x" * 50], ConnectionLost()), 200)
    await writer.release()
    assert world.shop.meters.bytes[Direction.RECEIVED, "tcp"] == 50
    assert set(world.shop.meters.in_flight.values()) == {0}


async def test_what_goes_out_is_counted_by_door_and_range() -> None:
    world = counting()
    writer = await world.begin(NewUpload("a", size=200), ANNA)
    await writer.receive(Bytes([b"x" * 200]), 200)
    await writer.finish()
    files = files_of(world)
    found = await files.open(WEB_ANNA, "a")
    await files.send(found, 50, 200, Collected())
    assert world.shop.meters.bytes[Direction.SENT, "web"] == 150
    assert world.shop.meters.downloads == {"web": 1}


class Torn(Collected):
    """A reader that goes away after some pieces."""

    async def write(self, data: bytes | memoryview) -> None:
        if self.data:
            raise ConnectionLost()
        await super().write(data)


async def test_what_had_gone_before_the_reader_went_away_is_counted() -> None:
    world, size = counting(), 4 * MIB + UNWATCHED
    writer = await world.begin(NewUpload("a", size=size), ANNA)
    await writer.receive(Bytes([b"x" * size]), size)
    await writer.finish()
    files, torn = files_of(world), Torn()
    found = await files.open(ANNA, "a")
    with pytest.raises(ConnectionLost):
        await files.send(found, 0, size, torn)
    sent = world.shop.meters.bytes[Direction.SENT, "tcp"]
    assert sent == len(torn.data) > 0
    assert world.shop.meters.downloads == {}


async def test_failures_are_counted_by_code() -> None:
    world = counting()
    writer = await world.begin(NewUpload("a", size=1, digest=sha256(b"a")), ANNA)
    await writer.receive(Bytes([b"b"]), 1)
    with pytest.raises(DigestMismatch):
        await writer.finish()
    for _ in range(2):
        with pytest.raises(NotFound):
            await files_of(world).open(WEB_ANNA, "none")
    assert world.shop.meters.refusals == {
        Refusal("upload", "digest_mismatch", "tcp"): 1,
        Refusal("download", "not_found", "web"): 2,
    }


async def test_sums_over_all_versions_are_asked_for_once_a_minute() -> None:
    world, now = World(), [0.0]
    measures = Measures(Meters(), world.catalog, world.blobs, clock=lambda: now[0])
    assert (await measures.read()).usage.files == 0
    await (await world.begin(NewUpload("a", size=0), ANNA)).finish()
    assert (await measures.read()).usage.files == 0
    now[0] = USAGE_SECONDS
    assert (await measures.read()).usage.files == 1


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.0005, 0), (0.0006, 1), (10.0, 12), (60.0, 13)])
def test_a_time_counts_in_the_range_that_holds_it(seconds: float, place: int) -> None:
    histogram = Histogram()
    histogram.add(seconds)
    assert [number for number, count in enumerate(histogram.counts) if count] == [place]
    assert histogram.sum == seconds
