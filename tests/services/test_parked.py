"""Writers that wait for their upload's next request, and get out of everyone's way."""

import asyncio

import pytest

from fileshare.domain.model import Receipt
from fileshare.errors import NoSpace
from fileshare.services.new_uploads import NewUpload
from fileshare.services.parked import Parked
from fileshare.services.writer import Writer
from tests.services.workshop import ANNA, BERT, Bytes, World

GIB = 1 << 30


@pytest.fixture
def world() -> World:
    return World()


async def parked(world: World, lot: Parked, path: str = "a", size: int = 100) -> Writer:
    writer = await world.begin(NewUpload(path, size=size))
    await writer.receive(Bytes([b"12345"]), 5)
    await writer.checkpoint()
    lot.park(writer)
    return writer


async def test_next_request_goes_on_with_the_same_writer(world: World) -> None:
    lot = Parked()
    writer = await parked(world, lot)
    taken = await lot.take(ANNA, writer.upload.id, lambda: None)
    assert taken is writer
    assert await lot.take(ANNA, writer.upload.id, lambda: None) is None
    await writer.receive(Bytes([b"6789"]), 95)
    await writer.release()
    assert (await world.catalog.upload(writer.upload.id)).offset == 9


async def test_another_account_does_not_get_it(world: World) -> None:
    lot = Parked()
    writer = await parked(world, lot)
    assert await lot.take(BERT, writer.upload.id, lambda: None) is None
    assert not writer.over
    writer.stop()
    await writer.wait_over()


async def test_whoever_wants_the_upload_elsewhere_gets_it_at_once(world: World) -> None:
    writer = await parked(world, Parked())
    newcomer = await world.uploads.resume(ANNA, lambda: None, upload_id=writer.upload.id)
    assert not isinstance(newcomer, Receipt)
    assert (writer.over, newcomer.offset) == (True, 5)
    await newcomer.release()


async def test_it_goes_when_nobody_comes(world: World) -> None:
    writer = await parked(world, Parked(seconds=0))
    await writer.wait_over()
    assert world.shop.locks.holder(writer.upload.id) is None


async def test_the_one_that_waited_longest_gives_way(world: World) -> None:
    lot = Parked(most=2)
    writers = [await parked(world, lot, path) for path in ("a", "b", "c")]
    await writers[0].wait_over()
    assert [writer.over for writer in writers] == [True, False, False]
    for writer in writers[1:]:
        writer.stop()
        await writer.wait_over()


async def test_one_that_was_asked_for_before_it_parks_lets_go(world: World) -> None:
    writer = await world.begin(NewUpload("a", size=10))
    claiming = asyncio.create_task(world.uploads.resume(ANNA, lambda: None, upload_id=writer.upload.id))
    while not writer.superseded:
        await asyncio.sleep(0)
    Parked().park(writer)
    newcomer = await claiming
    assert not isinstance(newcomer, Receipt)
    await newcomer.release()


async def test_it_keeps_no_room_while_it_waits(world: World) -> None:
    lot = Parked()
    world.blobs.free, world.blobs.total = 3 * GIB, 8 * GIB
    first = await parked(world, lot, "a", 2 * GIB)
    second = await world.begin(NewUpload("b", size=2 * GIB))
    with pytest.raises(NoSpace):
        await lot.take(ANNA, first.upload.id, lambda: None)
    assert first.over
    await second.release()
