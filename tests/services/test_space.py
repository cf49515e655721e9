"""Room is kept for who is connected, and given back."""

import pytest

from fileshare.errors import NoSpace
from fileshare.services.space import HEADROOM, STEP, Space
from fileshare.storage.memory import MemoryBlobs

ROOM = 200 << 20


@pytest.fixture
def blobs() -> MemoryBlobs:
    blobs = MemoryBlobs()
    blobs.free = ROOM + HEADROOM
    return blobs


async def test_what_is_reserved_is_gone_for_others(blobs: MemoryBlobs) -> None:
    space = Space(blobs)
    await space.reserve("a", ROOM - 10)
    with pytest.raises(NoSpace, match="room for 10 more bytes"):
        await space.reserve("b", 11)
    await space.reserve("b", 10)


async def test_what_was_written_counts_once(blobs: MemoryBlobs) -> None:
    space = Space(blobs)
    await space.reserve("a", 100)
    blobs.free -= 60
    space.used("a", 60)
    assert space.left("a") == 40
    await space.reserve("b", ROOM - 100)
    with pytest.raises(NoSpace):
        await space.reserve("c", 1)


async def test_a_writer_that_is_gone_gives_back(blobs: MemoryBlobs) -> None:
    space = Space(blobs)
    await space.reserve("a", ROOM)
    space.release("a")
    await space.reserve("b", ROOM)


async def test_unknown_sizes_reserve_a_step_or_what_is_left(blobs: MemoryBlobs) -> None:
    space = Space(blobs)
    await space.reserve("a", None)
    assert space.left("a") == STEP
    blobs.free = HEADROOM + STEP + 5
    await space.reserve("b", None)
    blobs.free = HEADROOM
    with pytest.raises(NoSpace):
        await space.reserve("c", None)


async def test_an_empty_file_fits_a_full_disk(blobs: MemoryBlobs) -> None:
    blobs.free = HEADROOM - 1
    await Space(blobs).reserve("a", 0)
