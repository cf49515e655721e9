"""Parts and blobs, as every store of bytes must keep them."""

import asyncio
import hashlib

import pytest
from msgspec.structs import replace

from fileshare.errors import Damaged, NotFound, StorageFailed
from fileshare.services.ports import Blobs, Content, Part
from tests.storage.builders import an_upload, digest_of, new_id
from tests.storage.streams import Pieces, Sunk

BIG = bytes(range(256)) * 12_289  # some three slices, and no whole number of them


async def a_blob(blobs: Blobs, data: bytes) -> str:
    part = await blobs.create(new_id())
    await part.receive(Pieces(data), len(data))
    await part.sync()
    await part.close()
    await blobs.publish(part.upload_id, digest_of(data))
    return digest_of(data)


async def test_part_keeps_and_hashes_what_the_source_gives(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    assert (part.offset, await part.digest(), await part.sync()) == (0, digest_of(b""), 0)
    assert await part.receive(Pieces(BIG), len(BIG)) == len(BIG)
    assert part.offset == len(BIG)
    assert await part.sync() == len(BIG)
    assert await part.digest() == digest_of(BIG)
    assert await part.read(10) == BIG[:10]
    assert await part.read(len(BIG) + 1) == BIG
    await part.close()
    await part.close()


@pytest.mark.parametrize("piece", [1, 7, 4096, 70_000])
async def test_part_takes_pieces_of_any_size_and_kind(blobs: Blobs, piece: int) -> None:
    data = BIG[: piece * 600]
    part = await blobs.create(new_id())
    kinds = [bytes, bytearray, memoryview]
    pieces = [kinds[n % 3](data[n * piece : (n + 1) * piece]) for n in range(600)]
    assert await part.receive(Pieces(*pieces), len(data)) == len(data)
    assert await part.digest() == digest_of(data)
    assert await part.read(len(data)) == data
    await part.close()


async def a_part(blobs: Blobs, data: bytes) -> str:
    part = await blobs.create(new_id())
    await part.receive(Pieces(data), len(data))
    await part.sync()
    await part.close()
    return part.upload_id


async def test_parts_are_joined_in_order_and_stay(blobs: Blobs) -> None:
    first, second, empty = await a_part(blobs, BIG), await a_part(blobs, b"tail"), await a_part(blobs, b"")
    part = await blobs.join(new_id(), [(second, 4), (empty, 0), (first, len(BIG)), (second, 4)])
    whole = b"tail" + BIG + b"tail"
    assert (part.offset, await part.digest()) == (len(whole), digest_of(whole))
    assert await part.receive(Pieces(b"more"), 4) == 4
    assert await part.digest() == digest_of(whole + b"more")
    await part.close()
    assert await blobs.rehash_part(part.upload_id) == (len(whole) + 4, digest_of(whole + b"more"))
    assert await blobs.rehash_part(first) == (len(BIG), digest_of(BIG))


@pytest.mark.parametrize("length", [0, 3, 5])
async def test_piece_of_another_length_is_not_joined(blobs: Blobs, length: int) -> None:
    there, whole = await a_part(blobs, b"1234"), new_id()
    for pieces in ([(there, 4), (there, length)], [(there, 4), (new_id(), 1)]):
        with pytest.raises(StorageFailed):
            await blobs.join(whole, pieces)
        assert list(await blobs.parts()) == [there]


async def test_part_is_read_from_anywhere_and_ends_where_it_ends(blobs: Blobs) -> None:
    part = await a_part(blobs, BIG)
    assert await blobs.read_part(part, 0, len(BIG) + 9) == BIG
    assert await blobs.read_part(part, 7, 5) == BIG[7:12]
    assert await blobs.read_part(part, len(BIG), 5) == b""
    assert await blobs.read_part(new_id(), 0, 5) == b""


async def test_part_takes_no_more_than_the_limit_and_asks_for_no_more(blobs: Blobs) -> None:
    source = Pieces(BIG)
    part = await blobs.create(new_id())
    assert await part.receive(source, 5) == 5
    assert await part.receive(source, 10) == 10
    assert await part.receive(source, len(BIG)) == len(BIG) - 15
    assert await part.receive(source, 10) == 0
    assert await part.digest() == digest_of(BIG)
    await part.close()


async def test_part_whose_source_ended_is_short(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    assert await part.receive(Pieces(b"abc", b"de"), 100) == 5
    assert part.offset == 5
    await part.close()


async def test_every_byte_that_came_before_the_source_broke_is_kept(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    with pytest.raises(ZeroDivisionError):
        await part.receive(Pieces(b"abc", b"de", ZeroDivisionError()), 100)
    assert part.offset == 5
    assert await part.digest() == digest_of(b"abcde")
    await part.close()


async def test_every_byte_that_came_before_the_receiver_was_cancelled_is_kept(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    source = Pieces(BIG, b"last", stays=True)
    receiving = asyncio.create_task(part.receive(source, 2 * len(BIG)))
    await source.drained.wait()
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert part.offset == len(BIG) + 4
    assert await part.digest() == digest_of(BIG + b"last")
    await part.close()


async def test_sync_while_bytes_arrive_covers_what_was_there(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    source = Pieces(BIG, None, BIG)
    receiving = asyncio.create_task(part.receive(source, 2 * len(BIG)))
    await source.reached_gap.wait()
    kept = part.offset
    assert kept <= await part.sync() <= part.offset
    source.close_gap.set()
    assert await receiving == 2 * len(BIG)
    assert await part.sync() == 2 * len(BIG)
    await part.close()


async def test_reopened_part_goes_on_with_the_same_digest(blobs: Blobs) -> None:
    upload = an_upload(boot_id=blobs.boot_id, device=blobs.device)
    first = await blobs.create(upload.id)
    await first.receive(Pieces(BIG), len(BIG))
    assert first.device == blobs.device
    await first.close()
    second = await blobs.reopen(replace(upload, offset=10))
    assert second.offset == len(BIG), "a kill of the process costs nothing"
    assert await second.sync() == len(BIG)
    await second.receive(Pieces(b"and more"), 8)
    assert await second.digest() == digest_of(BIG + b"and more")
    assert await second.read(len(BIG) + 8) == BIG + b"and more"
    await second.close()


@pytest.mark.parametrize("change", [{"boot_id": "another boot"}, {"device": -1}])
async def test_reopened_on_another_boot_or_device_goes_back_to_its_row(
    blobs: Blobs, change: dict[str, object]
) -> None:
    upload = an_upload(boot_id=blobs.boot_id, device=blobs.device, offset=1000)
    first = await blobs.create(upload.id)
    await first.receive(Pieces(BIG), len(BIG))
    await first.close()
    second = await blobs.reopen(replace(upload, **change))
    assert second.offset == 1000
    await second.receive(Pieces(b"new"), 3)
    assert await second.digest() == digest_of(BIG[:1000] + b"new")
    await second.close()


async def test_reopened_part_that_is_short_has_its_own_length(blobs: Blobs) -> None:
    for boot_id in (blobs.boot_id, "another boot"):
        upload = an_upload(boot_id=boot_id, device=blobs.device, offset=1000)
        first = await blobs.create(upload.id)
        await first.receive(Pieces(b"short"), 5)
        await first.close()
        second = await blobs.reopen(upload)
        assert second.offset == 5
        assert await second.digest() == digest_of(b"short")
        await second.close()


async def test_reopened_part_that_is_missing_is_empty(blobs: Blobs) -> None:
    part = await blobs.reopen(an_upload(offset=1000))
    assert (part.offset, await part.digest()) == (0, digest_of(b""))
    await part.close()
    assert list(await blobs.parts()) == [part.upload_id]


async def test_discarded_part_is_gone(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    await part.close()
    assert list(await blobs.parts()) == [part.upload_id]
    await blobs.discard(part.upload_id)
    await blobs.discard(part.upload_id)
    assert list(await blobs.parts()) == []
    assert await blobs.rehash_part(part.upload_id) is None


async def test_part_is_hashed_as_it_lies_there(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    await part.receive(Pieces(BIG), len(BIG))
    await part.close()
    assert await blobs.rehash_part(part.upload_id) == (len(BIG), digest_of(BIG))


async def test_published_part_is_a_blob_and_publishing_again_does_nothing(blobs: Blobs) -> None:
    digest = await a_blob(blobs, BIG)
    assert list(await blobs.parts()) == []
    assert list(await blobs.digests()) == [digest]
    await blobs.publish(new_id(), digest)
    assert await blobs.rehash(Content(digest, len(BIG))) == digest


async def test_publishing_what_is_there_keeps_one_blob_and_no_part(blobs: Blobs) -> None:
    assert await a_blob(blobs, b"same") == await a_blob(blobs, b"same")
    assert list(await blobs.parts()) == []
    assert list(await blobs.digests()) == [digest_of(b"same")]


@pytest.mark.parametrize("damaged", [b"damaged", bytes(len(BIG))], ids=["another length", "rotten"])
async def test_publishing_over_a_damaged_blob_heals_it(blobs: Blobs, damaged: bytes) -> None:
    """Whoever uploads what the disk has spoilt is told that it is stored, and so it must be."""
    await blobs.publish(await a_part(blobs, damaged), digest_of(BIG))
    await a_blob(blobs, BIG)
    assert await blobs.rehash(Content(digest_of(BIG), len(BIG))) == digest_of(BIG)


async def test_blob_that_was_found_damaged_is_not_there_until_it_is_healed(blobs: Blobs) -> None:
    content = Content(digest_of(BIG), len(BIG))
    await blobs.publish(await a_part(blobs, bytes(len(BIG))), content.digest)
    assert await blobs.exists(content.digest, content.size)
    for _ in range(2):
        assert await blobs.rehash(content) != content.digest
        assert not await blobs.exists(content.digest, content.size)
        with pytest.raises(Damaged):
            await blobs.send(content, 0, content.size, Sunk())
        with pytest.raises(Damaged):
            await blobs.keyed_digest(b"", content)
    await a_blob(blobs, BIG)
    assert await blobs.exists(content.digest, content.size)


async def test_publishing_nothing_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        await blobs.publish(new_id(), digest_of(b"nothing"))


async def test_empty_content_is_published_too(blobs: Blobs) -> None:
    digest = await a_blob(blobs, b"")
    assert await blobs.exists(digest, 0)


async def test_blob_exists_only_with_its_size(blobs: Blobs) -> None:
    digest = await a_blob(blobs, b"data")
    assert await blobs.exists(digest, 4)
    assert not await blobs.exists(digest, 5)
    assert not await blobs.exists(digest_of(b"other"), 4)
    await blobs.remove(digest)
    await blobs.remove(digest)
    assert not await blobs.exists(digest, 4)
    assert list(await blobs.digests()) == []


@pytest.mark.parametrize(("start", "stop"), [(0, len(BIG)), (0, 0), (5, 5), (1, 2), (1_500_000, 3_000_000)])
@pytest.mark.parametrize("small", [False, True])
async def test_range_of_a_content_is_sent(blobs: Blobs, start: int, stop: int, small: bool) -> None:
    digest = await a_blob(blobs, BIG)
    sink = Sunk()
    await blobs.send(Content(digest, len(BIG), BIG if small else None), start, stop, sink)
    assert bytes(sink.data) == BIG[start:stop]


@pytest.mark.parametrize(
    "content",
    [
        Content(digest_of(b"missing"), 7),
        Content(digest_of(b"data"), 5),
        Content(digest_of(b"data"), 3),
        Content(digest_of(b"data"), 5, b"data"),
    ],
)
async def test_damaged_content_is_not_sent_at_all(blobs: Blobs, content: Content) -> None:
    await a_blob(blobs, b"data")
    sink = Sunk()
    with pytest.raises(Damaged):
        await blobs.send(content, 0, content.size, sink)
    with pytest.raises(Damaged):
        await blobs.keyed_digest(b"nonce", content)
    assert not sink.data


@pytest.mark.parametrize("small", [False, True])
async def test_keyed_digest_is_of_nonce_and_content(blobs: Blobs, small: bool) -> None:
    content = Content(await a_blob(blobs, BIG), len(BIG), BIG if small else None)
    assert await blobs.keyed_digest(b"nonce", content) == hashlib.sha256(b"nonce" + BIG).digest()


async def test_rehash_tells_what_the_bytes_really_are(blobs: Blobs) -> None:
    part = await blobs.create(new_id())
    await part.receive(Pieces(b"DATA"), 4)
    await part.close()
    await blobs.publish(part.upload_id, digest_of(b"data"))
    assert await blobs.rehash(Content(digest_of(b"data"), 4)) == digest_of(b"DATA")
    assert await blobs.rehash(Content(digest_of(b"data"), 4, b"DATA")) == digest_of(b"DATA")
    with pytest.raises(Damaged):
        await blobs.rehash(Content(digest_of(b"missing"), 7))


async def test_space_is_free_and_total(blobs: Blobs) -> None:
    free, total = await blobs.space()
    assert 0 < free <= total


async def test_parts_of_several_uploads_do_not_mix(blobs: Blobs) -> None:
    data = [bytes([n]) * 300_000 for n in range(5)]
    parts: list[Part] = [await blobs.create(new_id()) for _ in data]
    await asyncio.gather(
        *(part.receive(Pieces(each), len(each)) for part, each in zip(parts, data, strict=True))
    )
    assert [await part.digest() for part in parts] == [digest_of(each) for each in data]
    for part in parts:
        await part.close()
