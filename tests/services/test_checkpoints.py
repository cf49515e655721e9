"""The row of an upload: when it is stored, and that it never leads the bytes nor stays behind for good."""

import asyncio

import pytest

from fileshare.domain.model import Upload
from fileshare.errors import BadOffset
from fileshare.services.writer import Writer
from tests.services.test_uploads import DATA, new
from tests.services.workshop import Bytes, World


class Waiting(Bytes):
    """A source that gives its last piece only when it may."""

    def __init__(self, first: bytes, last: bytes, go_on: asyncio.Event) -> None:
        super().__init__([first, last])
        self._left = len(first)
        self._go_on = go_on

    async def read(self, limit: int) -> bytes:
        if not self._left:
            await self._go_on.wait()
        data = await super().read(limit)
        self._left = max(self._left - len(data), 0)
        return data


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[int]]:
    """A world, and the offsets of rows as they are stored."""
    world, offsets = World(), list[int]()
    real = world.catalog.update_upload

    async def update(upload: Upload, *, expected_epoch: int) -> None:
        await real(upload, expected_epoch=expected_epoch)
        offsets.append(upload.offset)

    monkeypatch.setattr(world.catalog, "update_upload", update)
    return world, offsets


async def all_of(writer: Writer, data: bytes) -> None:
    assert await writer.receive(Bytes([data]), len(data)) == len(data)


async def test_a_checkpoint_is_made_while_one_body_still_comes_in() -> None:
    world, told, go_on = World(checkpoint_bytes=1000), list[int](), asyncio.Event()
    writer = await world.begin(new())

    async def tell(offset: int) -> None:
        told.append(offset)
        go_on.set()

    writer.tell_checkpoints(tell)
    await writer.receive(Waiting(DATA[:1000], DATA[1000:], go_on), len(DATA))
    assert told[0] == 1000
    assert (await writer.finish()).size == len(DATA)


async def test_finishing_stores_the_row_once_and_a_small_one_never(stores: tuple[World, list[int]]) -> None:
    world, offsets = stores
    writer = await world.begin(new())
    await all_of(writer, DATA)
    await writer.finish()
    assert offsets == [len(DATA)]
    small = await world.begin(new("small.txt", b"few", client_id=None))
    await all_of(small, b"few")
    await small.finish()
    assert offsets == [len(DATA)]


async def test_what_came_before_a_failed_end_is_in_the_row(stores: tuple[World, list[int]]) -> None:
    world, offsets = stores
    writer = await world.begin(new())
    await all_of(writer, DATA[:500])
    with pytest.raises(BadOffset):
        await writer.finish()
    assert offsets == []
    await writer.release()
    assert offsets == [500]
    world.blobs.power_cut()
    world.restart()
    assert (await world.begin(new())).offset == 500
