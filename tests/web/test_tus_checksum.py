"""The checksum extension: bytes count only when they are the promised ones."""

from collections.abc import AsyncIterator

import pytest

from fileshare.domain.upload import NO_BOOT
from fileshare.web.keys import WebSettings
from tests.services.workshop import World, sha256
from tests.web.house import House, open_house
from tests.web.programs import until
from tests.web.tus import BYTES, DATA, Tus, checksum, encoded, metadata, tus_client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=0.5), world=World(checkpoint_bytes=1000)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Tus]:
    async with tus_client(house) as anna:
        yield anna


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_pieces_with_right_checksums_become_the_file(house: House, anna: Tus, algorithm: str) -> None:
    url, half = await anna.create(), len(DATA) // 2
    for start, piece in ((0, DATA[:half]), (half, DATA[half:])):
        answer = await anna.patch(url, start, piece, Upload_Checksum=checksum(piece, algorithm))
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(start + len(piece)))
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_wrong_bytes_are_460_and_do_not_count(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:1000], Upload_Checksum=checksum(DATA[:1000]))
    wrong = await anna.patch(url, 1000, DATA[1000:], Upload_Checksum=checksum(DATA))
    assert wrong.status == 460
    assert await anna.offset(url) == 1000
    assert (await anna.patch(url, 1000, DATA[1000:])).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


@pytest.mark.parametrize(
    "told",
    ["md5 " + encoded(b"x" * 16), "sha256", "sha256 ???", checksum(DATA)[:-4], "sha1 " + encoded(b"x")],
)
async def test_checksum_that_can_not_be_checked_is_refused(anna: Tus, told: str) -> None:
    url = await anna.create()
    assert (await anna.patch(url, 0, DATA, Upload_Checksum=told)).status == 400
    assert await anna.offset(url) == 0


async def _cut_piece(house: House, anna: Tus, url: str, start: int, sent: int, **headers: str) -> None:
    """A piece to the end whose connection is cut after `sent` bytes, when the server has them."""
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    lines += [f"Content-Length: {len(DATA) - start}", "Tus-Resumable: 1.0.0", f"Upload-Offset: {start}"]
    path = url.removeprefix(house.url)
    async with anna.program.line(f"PATCH {path} HTTP/1.1", *lines, f"Content-Type: {BYTES}") as (_, writer):
        writer.write(DATA[start : start + sent])
        await until(lambda: any(one.offset == start + sent for one in house.world.uploads.writers()))


async def test_bytes_of_a_cut_piece_with_checksum_do_not_count(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:1000])
    await _cut_piece(house, anna, url, 1000, 50_000, Upload_Checksum=checksum(DATA[1000:]))
    assert await anna.offset(url) == 1000
    assert (await anna.patch(url, 1000, DATA[1000:], Upload_Checksum=checksum(DATA[1000:]))).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_unverified_bytes_do_not_come_back_after_a_kill(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:1000])
    lines = ("Tus-Resumable: 1.0.0", "Upload-Offset: 1000", f"Content-Type: {BYTES}")
    told = f"Upload-Checksum: {checksum(DATA)}"
    head = f"PATCH {url.removeprefix(house.url)} HTTP/1.1"
    async with anna.program.line(head, f"Content-Length: {len(DATA) - 1000}", told, *lines) as (_, writer):
        writer.write(b"x" * 5000)
        await until(lambda: any(one.offset == 6000 for one in house.world.uploads.writers()))
        (row,) = await house.world.catalog.uploads()
        assert (row.offset, row.boot_id) == (1000, NO_BOOT)
        part = await house.world.blobs.reopen(row)  # as a new process does, on the same boot
        assert part.offset == 1000


async def test_pieces_without_checksum_after_one_with_it_survive_a_kill(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:1000], Upload_Checksum=checksum(DATA[:1000]))
    await _cut_piece(house, anna, url, 1000, 7)
    await until(lambda: not any(one.offset == 1000 for one in house.world.uploads.writers()))
    (row,) = await house.world.catalog.uploads()
    assert row.boot_id == house.world.blobs.boot_id
    assert await anna.offset(url) == 1007


async def test_wrong_first_bytes_leave_no_upload_behind(house: House, anna: Tus) -> None:
    answer = await anna.ask(
        "POST",
        "/tus/",
        DATA,
        Upload_Length=str(len(DATA)),
        Upload_Metadata=metadata(filename="a.bin", sha256=sha256(DATA)),
        Upload_Checksum=checksum(b"other"),
        Content_Type=BYTES,
    )
    assert answer.status == 460
    assert await house.world.catalog.uploads() == []
