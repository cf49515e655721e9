"""Pieces joined into one file, with kills, cuts and rivals in between."""

import asyncio

import pytest
from msgspec.structs import replace

from fileshare.domain.model import Receipt, UploadState
from fileshare.errors import Conflict, DigestMismatch, NoSpace, NotFound, StorageFailed, Unavailable
from fileshare.services.new_uploads import NewUpload
from fileshare.services.recovery import recover
from tests.services.workshop import ANNA, BERT, Bytes, World, sha256

WHOLE = NewUpload("whole.bin", digest=sha256(b"onetwo" * 50))


@pytest.fixture
def world() -> World:
    return World()


async def piece(world: World, data: bytes) -> str:
    writer = await world.begin(NewUpload("", size=len(data), partial=True))
    await writer.receive(Bytes([data]), len(data))
    await writer.release()
    return writer.upload.id


async def pieces(world: World) -> list[str]:
    return [await piece(world, data) for data in (b"onetwo" * 20, b"onetwo" * 30)]


async def join(world: World, ids: list[str]) -> Receipt:
    return await world.concatenation.join(ANNA, WHOLE, ids)


async def test_piece_never_becomes_a_file_by_itself(world: World) -> None:
    writer = await world.begin(NewUpload("a", size=3, partial=True))
    await writer.receive(Bytes([b"one"]), 3)
    with pytest.raises(Conflict):
        await writer.finish()
    await writer.release()
    assert await world.uploads.list(ANNA) == []
    assert await world.catalog.count_files() == 0


async def test_kill_before_the_commit_leaves_pieces_that_can_be_joined(world: World) -> None:
    ids = await pieces(world)
    world.catalog.fail("finish", Unavailable())
    with pytest.raises(Unavailable):
        await join(world, ids)
    world.restart()
    await recover(world.shop)
    assert (await join(world, ids)).path == "whole.bin"
    assert await world.catalog.count_files() == 1
    assert await world.blobs.parts() == []


async def test_row_whose_commit_is_in_doubt_keeps_its_bytes(world: World) -> None:
    ids = await pieces(world)
    world.catalog.fail("add_upload", StorageFailed(), after=True)
    with pytest.raises(StorageFailed):
        await join(world, ids)
    (whole,) = [upload for upload in await world.catalog.uploads() if not upload.partial]
    assert await world.blobs.rehash_part(whole.id) == (whole.offset, WHOLE.digest)
    world.restart()
    world.catalog.reopen_after_failure()
    await recover(world.shop)
    assert (await join(world, ids)).digest == WHOLE.digest


async def test_whole_that_lost_its_bytes_is_joined_anew(world: World) -> None:
    ids = await pieces(world)
    world.catalog.fail("finish", Unavailable())
    with pytest.raises(Unavailable):
        await join(world, ids)
    (whole,) = [upload for upload in await world.catalog.uploads() if not upload.partial]
    await world.catalog.update_upload(replace(whole, state=UploadState.RECEIVING), whole.epoch)
    await world.blobs.discard(whole.id)
    world.restart()
    assert (await join(world, ids)).digest == WHOLE.digest
    assert await world.catalog.count_files() == 1


async def test_copy_that_failed_leaves_the_pieces_and_nothing_else(world: World) -> None:
    ids = await pieces(world)
    world.blobs.fail("join", NoSpace())
    with pytest.raises(NoSpace):
        await join(world, ids)
    assert sorted(await world.blobs.parts()) == sorted(ids)
    assert (await join(world, ids)).digest == WHOLE.digest


async def test_two_who_join_the_same_pieces_get_one_file(world: World) -> None:
    ids = await pieces(world)
    first, second = await asyncio.gather(join(world, ids), join(world, ids[:]), return_exceptions=True)
    assert first == second or isinstance(second, NotFound), second
    assert (await join(world, ids)) == first
    assert await world.catalog.count_files() == 1


async def test_writer_of_a_piece_lets_go_of_it(world: World) -> None:
    ids = await pieces(world)
    holder = await world.uploads.go_on(ANNA, ids[0], lambda: None)
    assert not isinstance(holder, Receipt)
    world.uploads.park(holder)
    assert (await join(world, ids)).digest == WHOLE.digest
    assert holder.over


async def test_wrong_whole_is_not_stored_and_its_pieces_stay(world: World) -> None:
    ids = await pieces(world)
    with pytest.raises(DigestMismatch):
        await join(world, ids[::-1][:1])
    assert sorted(await world.blobs.parts()) == sorted(ids)


async def test_pieces_of_others_can_neither_be_joined_nor_removed(world: World) -> None:
    ids = await pieces(world)
    with pytest.raises(NotFound):
        await world.concatenation.join(BERT, WHOLE, ids)
    assert sorted(await world.blobs.parts()) == sorted(ids)
