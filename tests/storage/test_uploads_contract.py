"""Uploads and their receipts, as every catalog must keep them."""

import pytest
from msgspec.structs import replace

from fileshare.domain.model import OnConflict, UploadState
from fileshare.errors import Conflict, Fenced, NotFound
from fileshare.services.ports import Catalog
from tests.storage.builders import ANNA, BEN, NOW, an_upload, digest_of, finish, new_id, small


async def test_upload_comes_back_with_every_field(catalog: Catalog) -> None:
    plain = an_upload()
    full = an_upload(
        client_id="client-1234567890",
        size=None,
        digest=None,
        modified=None,
        on_conflict=OnConflict.REPLACE,
        state=UploadState.VERIFYING,
        offset=2**53,
        found_digest=digest_of(b"found"),
        partial=True,
        note="partial\nfilename YQ==",
        hash_state=b"some state\0",
    )
    for upload in (plain, full):
        await catalog.add_upload(upload)
        assert await catalog.upload(upload.id) == upload


async def test_size_that_is_told_later_is_kept(catalog: Catalog) -> None:
    upload = an_upload(size=None)
    await catalog.add_upload(upload)
    await catalog.update_upload(replace(upload, size=123), expected_epoch=upload.epoch)
    assert (await catalog.upload(upload.id)).size == 123


async def test_note_goes_over_to_the_receipt(catalog: Catalog) -> None:
    receipt = await finish(catalog, small("a.txt", note="some note"))
    assert receipt.note == "some note"
    assert await catalog.receipt_of(receipt.upload_id) == receipt


async def test_unknown_upload_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        await catalog.upload(new_id())


async def test_client_id_is_unique_for_its_owner_alone(catalog: Catalog) -> None:
    mine, theirs = an_upload(client_id="x" * 16), an_upload(client_id="x" * 16, owner_id=BEN)
    await catalog.add_upload(mine)
    await catalog.add_upload(theirs)
    with pytest.raises(Conflict):
        await catalog.add_upload(an_upload(client_id="x" * 16))
    assert await catalog.upload_by_client_id(ANNA, "x" * 16) == mine
    assert await catalog.upload_by_client_id(BEN, "x" * 16) == theirs
    assert await catalog.upload_by_client_id(ANNA, "y" * 16) is None


async def test_an_id_can_not_be_used_twice(catalog: Catalog) -> None:
    upload = an_upload()
    await catalog.add_upload(upload)
    with pytest.raises(Conflict):
        await catalog.add_upload(upload)


async def test_uploads_without_client_id_do_not_clash(catalog: Catalog) -> None:
    first, second = an_upload(created=NOW), an_upload(created=NOW + 1)
    await catalog.add_upload(first)
    await catalog.add_upload(second)
    assert await catalog.uploads(ANNA) == [second, first]


async def test_furthest_upload_is_that_of_owner_path_and_digest(catalog: Catalog) -> None:
    far = an_upload(offset=5)
    others = [
        an_upload(offset=3),
        an_upload(offset=9, owner_id=BEN),
        an_upload(offset=9, path="other.txt"),
        an_upload(offset=9, digest=digest_of(b"other")),
        an_upload(offset=9, digest=None),
    ]
    for upload in (far, *others):
        await catalog.add_upload(upload)
    assert far.digest is not None
    assert await catalog.furthest_upload(ANNA, far.path, far.digest) == far
    assert await catalog.furthest_upload(BEN, "nowhere", far.digest) is None


async def test_uploads_are_listed_newest_first(catalog: Catalog) -> None:
    old = an_upload(created=NOW)
    new = an_upload(created=NOW + 2)
    bens = an_upload(created=NOW + 1, owner_id=BEN)
    for upload in (old, new, bens):
        await catalog.add_upload(upload)
    assert await catalog.uploads() == [new, bens, old]
    assert await catalog.uploads(ANNA) == [new, old]


async def test_update_stores_how_far_the_upload_is_and_nothing_else(catalog: Catalog) -> None:
    upload = an_upload()
    await catalog.add_upload(upload)
    moved = replace(
        upload,
        offset=8,
        state=UploadState.VERIFYING,
        found_digest=digest_of(b"x"),
        epoch=2,
        boot_id="another",
        device=9,
        touched=NOW + 5,
        hash_state=b"further",
    )
    await catalog.update_upload(replace(moved, path="elsewhere", owner_id=BEN), expected_epoch=1)
    assert await catalog.upload(upload.id) == moved


async def test_a_writer_of_an_older_epoch_is_fenced(catalog: Catalog) -> None:
    upload = an_upload(epoch=2)
    await catalog.add_upload(upload)
    with pytest.raises(Fenced):
        await catalog.update_upload(replace(upload, offset=9, epoch=1), expected_epoch=1)
    assert await catalog.upload(upload.id) == upload


async def test_update_of_a_dropped_upload_is_not_found(catalog: Catalog) -> None:
    upload = an_upload()
    await catalog.add_upload(upload)
    await catalog.drop_upload(upload.id)
    await catalog.drop_upload(upload.id)
    with pytest.raises(NotFound):
        await catalog.update_upload(upload, expected_epoch=1)


async def test_receipt_is_found_by_either_id_and_by_what_was_asked(catalog: Catalog) -> None:
    item = small("a/b.txt", client_id="c" * 16)
    receipt = await finish(catalog, item)
    assert await catalog.receipt_of(item.upload_id) == receipt
    assert await catalog.receipt(ANNA, "c" * 16) == receipt
    assert await catalog.receipt_for(ANNA, "a/b.txt", item.digest) == receipt
    assert await catalog.receipt(BEN, "c" * 16) is None
    assert await catalog.receipt_of(new_id()) is None
    assert await catalog.receipt_for(ANNA, "a/b.txt", digest_of(b"other")) is None
    assert await catalog.receipt_for(BEN, "a/b.txt", item.digest) is None


async def test_the_newest_receipt_of_a_path_counts(catalog: Catalog) -> None:
    await finish(catalog, small("x"), NOW)
    newer = await finish(catalog, small("x"), NOW + 1)
    assert newer.path == "x_v2"
    assert await catalog.receipt_for(ANNA, "x", newer.digest) == newer


async def test_receipts_expire_by_their_age(catalog: Catalog) -> None:
    old, kept = small("old"), small("kept")
    await finish(catalog, old, NOW)
    await finish(catalog, kept, NOW + 10)
    assert await catalog.expire_receipts(NOW + 10) == 1
    assert await catalog.receipt_of(old.upload_id) is None
    assert await catalog.receipt_of(kept.upload_id) is not None
    assert await catalog.expire_receipts(NOW + 11) == 1
    assert await catalog.expire_receipts(NOW + 12) == 0
