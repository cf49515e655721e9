"""Pieces of an upload, appended to it, whatever happens in between."""

import hashlib

import pytest

from fileshare.domain.model import Receipt
from fileshare.errors import BadOffset, Conflict, DigestMismatch, NoSpace, NotFound
from fileshare.services.new_uploads import NewUpload
from fileshare.services.writer import Writer
from tests.services.workshop import ANNA, BERT, Bytes, World

A, B = b"a" * 30_000, b"b" * 20_000
WHOLE = A + B
ID, FIRST, SECOND = "w" * 16, "1" * 16, "2" * 16


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def world() -> World:
    return World()


async def begin_whole(world: World) -> None:
    writer = await world.begin(NewUpload("big.bin", size=len(WHOLE), client_id=ID))
    await writer.release()


async def send_piece(world: World, piece_id: str, data: bytes, *, size: int | None = None) -> None:
    new = NewUpload("big.bin", size=len(data) if size is None else size, client_id=piece_id, partial=True)
    writer = await world.begin(new)
    await writer.receive(Bytes([data]), len(data))
    if size is None:
        await writer.complete(len(data), digest_of(data))
    else:
        await writer.release()


async def finish(world: World) -> Receipt:
    writer = await world.uploads.begin(
        ANNA, NewUpload("big.bin", size=len(WHOLE), client_id=ID), lambda: None
    )
    assert isinstance(writer, Writer)
    return await writer.finish(len(WHOLE), digest_of(WHOLE))


async def test_pieces_become_the_file_and_go(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, SECOND, B)
    await send_piece(world, FIRST, A)
    assert await world.appending.append(ANNA, ID, FIRST, 0) == len(A)
    assert await world.appending.append(ANNA, ID, SECOND, len(A)) == len(WHOLE)
    receipt = await finish(world)
    assert (receipt.path, receipt.digest) == ("big.bin", digest_of(WHOLE))
    assert await world.stored_bytes("big.bin") == WHOLE
    assert await world.blobs.parts() == []
    assert await world.catalog.uploads() == []


async def test_bytes_of_its_own_and_pieces_make_one_file(world: World) -> None:
    """Sent over one connection up to somewhere, and over several from there."""
    writer = await world.begin(NewUpload("big.bin", size=len(WHOLE), client_id=ID))
    await writer.receive(Bytes([A]), len(A))
    await writer.release()
    await send_piece(world, SECOND, B)
    assert await world.appending.append(ANNA, ID, SECOND, len(A)) == len(WHOLE)
    await finish(world)
    assert await world.stored_bytes("big.bin") == WHOLE


async def test_asked_again_it_answers_alike(world: World) -> None:
    """The answer was lost, perhaps after the piece was gone."""
    await begin_whole(world)
    await send_piece(world, FIRST, A)
    for _ in range(2):
        assert await world.appending.append(ANNA, ID, FIRST, 0) == len(A)
    await send_piece(world, SECOND, B)
    await world.appending.append(ANNA, ID, SECOND, len(A))
    await finish(world)
    assert await world.appending.append(ANNA, ID, SECOND, len(A)) == len(WHOLE)


async def test_piece_waits_for_those_before_it(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, SECOND, B)
    with pytest.raises(BadOffset):
        await world.appending.append(ANNA, ID, SECOND, len(A))
    assert len(await world.blobs.parts()) == 2


async def test_what_is_no_complete_piece_is_refused_and_stays(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, FIRST, A[:-1], size=len(A))
    await (await world.begin(NewUpload("other.bin", client_id=SECOND))).release()
    with pytest.raises(Conflict, match="not complete"):
        await world.appending.append(ANNA, ID, FIRST, 0)
    with pytest.raises(Conflict, match="no piece"):
        await world.appending.append(ANNA, ID, SECOND, 0)
    with pytest.raises(NotFound):
        await world.appending.append(ANNA, ID, "3" * 16, 0)
    with pytest.raises(NotFound):
        await world.appending.append(ANNA, "3" * 16, FIRST, 0)


async def test_anothers_uploads_and_pieces_are_not_found(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, FIRST, A)
    with pytest.raises(NotFound):
        await world.appending.append(BERT, ID, FIRST, 0)
    writer = await world.uploads.begin(BERT, NewUpload("b.bin", client_id="b" * 16), lambda: None)
    assert isinstance(writer, Writer)
    await writer.release()
    with pytest.raises(NotFound):
        await world.appending.append(BERT, "b" * 16, FIRST, 0)
    assert await world.appending.append(ANNA, ID, FIRST, 0) == len(A)


async def test_wrong_bytes_of_a_piece_are_dropped(world: World) -> None:
    writer = await world.begin(NewUpload("big.bin", size=len(A), client_id=FIRST, partial=True))
    await writer.receive(Bytes([A]), len(A))
    with pytest.raises(DigestMismatch):
        await writer.complete(len(A), digest_of(B))
    assert await world.blobs.parts() == []


async def test_piece_that_was_cut_is_gone_on_with(world: World) -> None:
    await send_piece(world, FIRST, A[:10_000], size=len(A))
    writer = await world.begin(NewUpload("big.bin", size=len(A), client_id=FIRST, partial=True))
    assert writer.offset == 10_000
    await writer.receive(Bytes([A[10_000:]]), len(A) - 10_000)
    await writer.complete(len(A), digest_of(A))
    assert writer.over


@pytest.mark.parametrize("reached", ["read_part", "sync", "discard"])
@pytest.mark.parametrize("kill", [False, True])
async def test_copy_that_breaks_loses_nothing_and_goes_on(world: World, reached: str, kill: bool) -> None:
    """At each call that it makes of the disk, by an error or, with a restart after it, as by a kill."""
    await begin_whole(world)
    await send_piece(world, FIRST, A)
    await send_piece(world, SECOND, B)
    world.blobs.fail(reached, NoSpace("full"))
    with pytest.raises(NoSpace):
        await world.appending.append(ANNA, ID, FIRST, 0)
    if kill:
        world.restart()
    assert await world.appending.append(ANNA, ID, FIRST, 0) == len(A)
    assert await world.appending.append(ANNA, ID, SECOND, len(A)) == len(WHOLE)
    await finish(world)
    assert await world.stored_bytes("big.bin") == WHOLE


async def test_power_cut_between_costs_nothing_that_was_acknowledged(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, FIRST, A)
    await send_piece(world, SECOND, B)
    assert await world.appending.append(ANNA, ID, FIRST, 0) == len(A)
    world.blobs.power_cut()
    world.restart()
    assert await world.appending.append(ANNA, ID, SECOND, len(A)) == len(WHOLE)
    await finish(world)
    assert await world.stored_bytes("big.bin") == WHOLE


async def test_pieces_are_no_uploads_in_the_list(world: World) -> None:
    await begin_whole(world)
    await send_piece(world, FIRST, A)
    assert [upload.path for upload in await world.uploads.list(ANNA)] == ["big.bin"]
