"""What a verification finds, and what it takes for no damage."""

import pytest

from fileshare.domain import upload as life
from fileshare.services.ports import Content
from fileshare.services.tally import Progress
from fileshare.services.verification import Damage, Findings, Verification
from tests.services.shelf import BOOT, Bytes, Shelf, digest_of, large


def ignore(progress: Progress) -> None:
    """Nobody watches."""


async def verify(shelf: Shelf) -> Findings:
    return await Verification(shelf.catalog, shelf.blobs).run(ignore)


async def test_whole_store_has_no_findings(shelf: Shelf) -> None:
    await shelf.put("small", b"x")
    await shelf.put("large", large("y"))
    seen: list[Progress] = []
    findings = await Verification(shelf.catalog, shelf.blobs).run(seen.append)
    assert (findings.contents, findings.size, findings.damaged) == (2, 1 + len(large("y")), [])
    assert [(progress.done, progress.total) for progress in seen] == [(0, 2), (1, 2)]


async def test_flipped_bit_is_found_and_every_path_named(shelf: Shelf) -> None:
    receipt = await shelf.put("a", large("x"))
    await shelf.put("b", large("x"))
    await shelf.put("b", b"newer")
    flipped = bytearray(large("x"))
    flipped[5] ^= 1
    shelf.damage(receipt.digest, bytes(flipped))
    (damage,) = (await verify(shelf)).damaged
    assert (damage.what, damage.paths) == (receipt.digest, ["a", "b?version=1"])
    assert await shelf.lying() == {receipt.digest}, "nothing is changed"


async def test_missing_and_short_blobs_are_found(shelf: Shelf) -> None:
    missing = await shelf.put("missing", large("x"))
    short = await shelf.put("short", large("y"))
    shelf.damage(missing.digest, None)
    shelf.damage(short.digest, b"y")
    found = {damage.what for damage in (await verify(shelf)).damaged}
    assert found == {missing.digest, short.digest}


async def test_content_that_is_deleted_meanwhile_is_no_damage(shelf: Shelf) -> None:
    receipt = await shelf.put("a", large("x"))

    def delete(progress: Progress) -> None:
        shelf.damage(receipt.digest, None)

    await shelf.purge("a")
    findings = await Verification(shelf.catalog, shelf.blobs).run(delete)
    assert findings.damaged == []


async def test_what_the_catalog_finds_counts(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    async def inconsistencies() -> list[str]:
        return ["row 7 is missing"]

    monkeypatch.setattr(shelf.catalog, "inconsistencies", inconsistencies)
    assert (await verify(shelf)).damaged == [Damage("database", "row 7 is missing")]


async def test_part_shorter_than_what_was_acknowledged_is_found(shelf: Shelf) -> None:
    upload = life.begin("b" * 32, shelf.owner.id, "big", now=1, boot_id=BOOT, device=1, size=100)
    part = await shelf.blobs.create(upload.id)
    await part.receive(Bytes(b"x" * 10), 10)
    await part.close()
    await shelf.catalog.add_upload(life.advance(upload, 10, 2))
    assert (await verify(shelf)).damaged == []
    await shelf.catalog.update_upload(life.advance(upload, 11, 3), expected_epoch=upload.epoch)
    (damage,) = (await verify(shelf)).damaged
    assert (damage.what, damage.paths) == (f"upload {upload.id}", ["big"])


async def test_upload_whose_part_is_a_blob_already_is_whole(shelf: Shelf) -> None:
    data = large("x")
    digest = await shelf.lay_blob(data)
    upload = life.begin("c" * 32, shelf.owner.id, "big", now=1, boot_id=BOOT, device=1, size=len(data))
    upload = life.verify(life.advance(upload, len(data), 2), digest, 3)
    await shelf.catalog.add_upload(upload)
    assert (await verify(shelf)).damaged == []
    assert digest == digest_of(data) == Content(digest, len(data)).digest
