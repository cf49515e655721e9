"""The upload service on stores in memory: what is acknowledged, resumed, repeated, refused."""

import asyncio
from unittest.mock import patch

import pytest

from fileshare.domain.model import OnConflict, Receipt, UploadState
from fileshare.errors import (
    BadDigest,
    BadName,
    BadOffset,
    Conflict,
    ConnectionLost,
    DigestMismatch,
    NoSpace,
    NotFound,
    StorageFailed,
    Superseded,
    TooLarge,
    Unavailable,
    UploadBusy,
)
from fileshare.services.new_uploads import NewUpload
from fileshare.services.recovery import recover
from fileshare.services.writer import Writer
from tests.services.workshop import ADMIN, ANNA, BERT, MIB, Bytes, World, sha256

DATA = bytes(range(256)) * 64
ID = "0123456789abcdef"


def new(
    path: str = "report.txt", data: bytes = DATA, client_id: str | None = ID, **more: object
) -> NewUpload:
    fields: dict[str, object] = {"size": len(data), "digest": sha256(data), "client_id": client_id, **more}
    return NewUpload(path=path, **fields)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


async def send(writer: Writer, data: bytes) -> None:
    while data:
        count = await writer.receive(Bytes([data]), len(data))
        data = data[count:]


async def store(world: World, what: NewUpload, data: bytes = DATA) -> Receipt:
    writer = await world.begin(what)
    await send(writer, data)
    return await writer.finish()


@pytest.mark.parametrize("size", [0, 1, 100, 101, 16384])
async def test_upload_is_listed_with_its_bytes(world: World, size: int) -> None:
    data = DATA[:size]
    receipt = await store(world, new(data=data), data)
    assert (receipt.path, receipt.version, receipt.size) == ("report.txt", 1, size)
    assert receipt.digest == sha256(data)
    assert await world.stored_bytes("report.txt") == data
    assert not await world.catalog.uploads()
    assert not await world.blobs.parts()


async def test_a_second_upload_of_a_name_is_kept_beside_the_first(world: World) -> None:
    await store(world, new())
    other = await store(world, new(data=b"other", client_id=None), b"other")
    assert other.path == "report_v2.txt"
    assert await world.stored_bytes("report.txt") == DATA


async def test_overwrite_makes_the_next_version(world: World) -> None:
    await store(world, new())
    what = new(data=b"other", client_id=None, on_conflict=OnConflict.REPLACE)
    receipt = await store(world, what, b"other")
    assert (receipt.path, receipt.version) == ("report.txt", 2)
    assert [version.number for version in await world.catalog.versions("report.txt")] == [2, 1]


async def test_two_clients_with_one_name_each_keep_their_whole_file(world: World) -> None:
    one = await world.begin(new(data=b"1" * 500, client_id=None))
    two = await world.begin(new(data=b"2" * 500, client_id=None), BERT)
    await send(one, b"1" * 500)
    await send(two, b"2" * 500)
    receipts = await asyncio.gather(two.finish(), one.finish())
    assert {receipt.path for receipt in receipts} == {"report.txt", "report_v2.txt"}
    assert {await world.stored_bytes(receipt.path) for receipt in receipts} == {b"1" * 500, b"2" * 500}


async def test_a_repeated_request_gets_the_first_receipt(world: World) -> None:
    first = await store(world, new())
    again = await world.uploads.begin(ANNA, new(), lambda: None)
    assert again == first
    assert await world.uploads.resume(ANNA, lambda: None, path="report.txt", digest=sha256(DATA)) == first
    assert await world.uploads.resume(ANNA, lambda: None, upload_id=ID) == first
    assert await world.catalog.count_files() == 1


async def test_a_reply_lost_behind_an_older_piece_makes_no_second_file(world: World) -> None:
    """UPLOAD cut half-way, UPLOAD anew and stored, its reply lost, RESUME: the receipt, not the piece."""
    piece = await world.begin(new(client_id=None))
    await send(piece, DATA[:50])
    await piece.release()
    first = await store(world, new(client_id=None))
    assert await world.uploads.resume(ANNA, lambda: None, path="report.txt", digest=sha256(DATA)) == first


async def test_an_upload_id_is_bound_to_its_path(world: World) -> None:
    await store(world, new())
    with pytest.raises(Conflict, match="belongs to another path"):
        await world.uploads.begin(ANNA, new(path="other.txt"), lambda: None)


async def test_upload_resumes_where_it_was_released(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:1000])
    await writer.release()
    again = await world.begin(new())
    assert again.offset == again.began_at == 1000
    await send(again, DATA[1000:])
    assert (await again.finish()).digest == sha256(DATA)


async def test_a_kill_costs_no_byte_that_was_written(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:1000])
    world.restart()
    assert (await world.begin(new())).offset == 1000


async def test_a_power_cut_costs_no_byte_that_was_acknowledged(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:1000])
    assert await writer.checkpoint() == 1000
    await send(writer, DATA[1000:1500])
    world.blobs.power_cut()
    world.restart()
    again = await world.begin(new())
    assert again.offset == 1000
    await send(again, DATA[1000:])
    assert (await again.finish()).digest == sha256(DATA)


async def test_a_checkpoint_comes_by_itself_and_is_told_after_it_is_durable() -> None:
    world = World(checkpoint_bytes=1000)
    writer = await world.begin(new())
    told: list[tuple[int, int]] = []
    done = asyncio.Event()

    async def tell(offset: int) -> None:
        told.append((offset, (await world.catalog.uploads())[0].offset))
        done.set()

    writer.tell_checkpoints(tell)
    await send(writer, DATA[:1000])
    await done.wait()
    assert told == [(1000, 1000)]


async def test_wrong_digest_stores_nothing(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:-1] + b"!")
    with pytest.raises(DigestMismatch):
        await writer.finish()
    with pytest.raises(NotFound):
        await world.catalog.entry("report.txt")
    assert not await world.catalog.uploads()
    assert not await world.blobs.parts()


async def test_digest_told_at_the_end_is_checked(world: World) -> None:
    writer = await world.begin(new(size=None, digest=None))
    await send(writer, DATA)
    with pytest.raises(DigestMismatch):
        await writer.finish(len(DATA), sha256(b"other"))


async def test_unknown_size_is_told_at_the_end(world: World) -> None:
    writer = await world.begin(new(size=None, digest=None))
    await send(writer, DATA)
    with pytest.raises(BadOffset):
        await writer.finish(len(DATA) + 1, sha256(DATA))
    await writer.release()
    again = await world.begin(new(size=None, digest=None))
    assert again.offset == len(DATA)
    assert (await again.finish(len(DATA), sha256(DATA))).size == len(DATA)


async def test_too_few_bytes_stay_resumable(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:10])
    with pytest.raises(BadOffset, match="Only 10 of"):
        await writer.finish()
    await writer.release()
    assert (await world.catalog.uploads())[0].offset == 10


async def test_too_many_bytes_are_refused(world: World) -> None:
    writer = await world.begin(new())
    with pytest.raises(TooLarge):
        await writer.receive(Bytes([DATA]), len(DATA) + 1)


async def test_the_servers_limit_holds_before_the_first_byte_and_without_a_size() -> None:
    world = World(max_file_size=1000)
    with pytest.raises(TooLarge, match="1000 bytes"):
        await world.begin(new())
    writer = await world.begin(new(size=None, digest=None))
    await send(writer, DATA[:1000])
    with pytest.raises(TooLarge):
        await send(writer, b"!")


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (new(path="../x"), BadName),
        (new(digest="abc"), BadDigest),
        (new(size=-1), BadOffset),
        (new(path="folder"), Conflict),
        (new(path="file.txt/below"), Conflict),
        (new(path="file.txt/deep/below"), Conflict),
        (new(size=1 << 60), NoSpace),
    ],
)
async def test_what_can_not_be_stored_is_refused_before_the_first_byte(
    world: World, what: NewUpload, error: type[Exception]
) -> None:
    await world.catalog.make_folder("folder", 1)
    await store(world, new(path="file.txt", client_id=None))
    with pytest.raises(error):
        await world.begin(what)
    assert not await world.catalog.uploads()
    assert not await world.blobs.parts()
    assert not world.uploads.writers()


async def test_a_folder_that_took_the_name_meanwhile_is_a_conflict(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA)
    await world.catalog.make_folder("report.txt", 1)
    with pytest.raises(Conflict):
        await writer.finish()
    assert not await world.catalog.uploads()
    assert await world.catalog.garbage(10) == [sha256(DATA)]


async def test_room_is_kept_for_connected_writers(world: World) -> None:
    free, _ = await world.blobs.space()
    most = free * 9 // 10
    writer = await world.begin(new(size=most, client_id=None))
    with pytest.raises(NoSpace, match="room for"):
        await world.begin(new(path="b", size=most, client_id=None))
    await writer.release()
    await world.begin(new(path="b", size=most, client_id=None))


async def test_a_newcomer_takes_the_upload_over(world: World) -> None:
    old = await world.begin(new())
    await send(old, DATA[:10])
    asked = asyncio.Event()
    old_lease_holder = await world.uploads.begin(ANNA, new(path="x", client_id=None), asked.set)
    assert isinstance(old_lease_holder, Writer)
    newcomer = asyncio.create_task(
        world.uploads.resume(ANNA, lambda: None, upload_id=old_lease_holder.upload.id)
    )
    await asked.wait()
    with pytest.raises(Superseded):
        old_lease_holder.raise_if_superseded()
    await send(old_lease_holder, DATA[:20])
    await old_lease_holder.release()
    taken = await newcomer
    assert isinstance(taken, Writer)
    assert taken.offset == 20
    assert taken.upload.epoch > old_lease_holder.upload.epoch


async def test_a_holder_that_does_not_let_go_makes_the_newcomer_wait_in_vain(world: World) -> None:
    await world.begin(new())
    with pytest.raises(UploadBusy):
        await world.begin(new())


async def test_an_old_writers_late_checkpoint_is_fenced_off(world: World) -> None:
    old = await world.begin(new())
    await send(old, DATA[:10])
    world.restart()
    newcomer = await world.begin(new())
    with pytest.raises(Exception, match="taken over"):
        await old.checkpoint()
    assert newcomer.offset == 10


async def test_another_accounts_upload_is_not_found(world: World) -> None:
    writer = await world.begin(new())
    await writer.release()
    for upload_id in (ID, writer.upload.id):
        with pytest.raises(NotFound):
            await world.uploads.resume(BERT, lambda: None, upload_id=upload_id)
        with pytest.raises(NotFound):
            await world.uploads.abort(BERT, upload_id)
    with pytest.raises(NotFound):
        await world.uploads.resume(BERT, lambda: None, path="report.txt", digest=sha256(DATA))
    assert not await world.uploads.list(BERT)
    assert len(await world.uploads.list(ANNA)) == 1


async def test_owner_and_admin_abort(world: World) -> None:
    for who in (ANNA, ADMIN):
        writer = await world.begin(new())
        await writer.release()
        await world.uploads.abort(who, writer.upload.id)
        assert not await world.catalog.uploads()
        assert not await world.blobs.parts()


async def test_half_done_uploads_are_swept_after_a_week(world: World) -> None:
    writer = await world.begin(new())
    await writer.release()
    assert await world.uploads.expire() == 0
    world.clock.now += 7 * 86_400_000 + 1
    assert await world.uploads.expire() == 1
    assert not await world.blobs.parts()


async def test_a_failed_sync_acknowledges_nothing(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA[:1000])
    world.blobs.fail("sync", StorageFailed())
    with pytest.raises(StorageFailed):
        await writer.checkpoint()
    await writer.release()
    assert (await world.catalog.uploads())[0].offset == 0


async def test_a_connection_lost_keeps_what_came(world: World) -> None:
    writer = await world.begin(new())
    with pytest.raises(ConnectionLost):
        await writer.receive(Bytes([DATA[:300]], ConnectionLost()), 1000)
    await writer.release()
    assert (await world.catalog.uploads())[0].offset == 300


@pytest.mark.parametrize("cut", [False, True])
async def test_a_commit_that_failed_is_completed_at_the_next_start(world: World, cut: bool) -> None:
    writer = await world.begin(new())
    await send(writer, DATA)
    world.catalog.fail("finish", Unavailable())
    with pytest.raises(Unavailable):
        await writer.finish()
    await writer.release()
    assert (await world.catalog.uploads())[0].state is UploadState.VERIFYING
    if cut:
        world.blobs.power_cut()
    world.restart()
    assert (await recover(world.shop)).finished == 1
    assert await world.stored_bytes("report.txt") == DATA
    again = await world.uploads.begin(ANNA, new(), lambda: None)
    assert isinstance(again, Receipt)


async def test_a_commit_that_failed_is_completed_when_the_client_asks_again(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA)
    world.catalog.fail("finish", Unavailable())
    with pytest.raises(Unavailable):
        await writer.finish()
    await writer.release()
    receipt = await world.uploads.begin(ANNA, new(), lambda: None)
    assert isinstance(receipt, Receipt)
    assert receipt.path == "report.txt"


async def test_orphan_parts_go_at_start(world: World) -> None:
    await (await world.blobs.create("f" * 32)).close()
    kept = await world.begin(new())
    await kept.release()
    world.restart()
    assert (await recover(world.shop)).orphan_parts == 1
    assert list(await world.blobs.parts()) == [kept.upload.id]


async def test_a_caller_that_goes_away_does_not_stop_a_finish(world: World) -> None:
    writer = await world.begin(new())
    await send(writer, DATA)
    finishing = asyncio.create_task(writer.finish())
    await asyncio.sleep(0)
    finishing.cancel()
    await writer.wait_over()
    assert await world.stored_bytes("report.txt") == DATA


async def test_a_large_upload_moves_in_slices(world: World) -> None:
    data = DATA * 128 * 3
    assert len(data) > 5 * MIB
    writer = await world.begin(new(data=data))
    source = Bytes([data])
    while writer.left:
        assert await writer.receive(source, min(MIB, writer.left))
    assert (await writer.finish()).digest == sha256(data)


@pytest.mark.parametrize(("by", "last_look"), [("begin", "receipt"), (ID, "receipt"), ("", "receipt_of")])
async def test_who_asks_while_it_is_being_finished_gets_the_receipt(
    world: World, by: str, last_look: str
) -> None:
    """Its row goes between the two looks, and the file must not come twice."""
    writer = await world.begin(new())
    await send(writer, DATA)
    look = getattr(world.catalog, last_look)

    async def looked(*asked: object) -> Receipt | None:
        found: Receipt | None = await look(*asked)
        if not writer.over:
            await writer.finish()
        return found

    with patch.object(world.catalog, last_look, looked):
        if by == "begin":
            again = await world.uploads.begin(ANNA, new(), lambda: None)
        else:
            again = await world.uploads.resume(ANNA, lambda: None, upload_id=by or writer.upload.id)
    assert isinstance(again, Receipt)
    assert again.path == "report.txt"
