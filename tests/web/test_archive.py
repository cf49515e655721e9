"""A folder as a ZIP: whole, or plainly not."""

import asyncio
import io
import struct
import time
from collections.abc import AsyncIterator
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import aiohttp
import pytest

from fileshare.domain.model import File
from fileshare.errors import StorageFailed
from fileshare.web import archive as archives
from fileshare.web.keys import WebSettings
from tests.services.workshop import ANNA, MIB, sha256
from tests.web.house import House, open_house
from tests.web.programs import Program, program, store

LARGE = bytes(range(256)) * (3 * MIB // 256)
MODIFIED = 1_600_000_001_500


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=0.3)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    await store(house, "docs/a.txt", b"small", modified=MODIFIED)
    await store(house, "docs/sub/日本語.bin", LARGE, modified=MODIFIED)
    await store(house, "docs/sub/empty", b"")
    await store(house, "other.txt", b"elsewhere")
    await house.world.catalog.make_folder("docs/nothing here", 1)
    async with program(house) as anna:
        yield anna


def opened(data: bytes) -> ZipFile:
    archive = ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


async def test_folder_comes_with_everything_below_it(anna: Program) -> None:
    answer = await anna.get("/files/docs/?zip")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="docs.zip"'
    archive = opened(answer.body)
    assert sorted(archive.namelist()) == [
        "docs/a.txt",
        "docs/nothing here/",
        "docs/sub/",
        "docs/sub/empty",
        "docs/sub/日本語.bin",
    ]
    assert archive.read("docs/sub/日本語.bin") == LARGE
    assert archive.read("docs/a.txt") == b"small"
    assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}


async def test_root_and_inner_and_empty_folders(anna: Program) -> None:
    root = await anna.get("/files/?zip")
    assert root.headers["Content-Disposition"] == 'attachment; filename="files.zip"'
    assert "other.txt" in opened(root.body).namelist() and "docs/a.txt" in opened(root.body).namelist()
    inner = opened((await anna.get("/files/docs/sub/?zip")).body)
    assert sorted(inner.namelist()) == ["sub/empty", "sub/日本語.bin"]
    assert opened((await anna.get("/files/docs/nothing%20here/?zip")).body).namelist() == []


async def test_times_are_the_files_own(anna: Program) -> None:
    info = opened((await anna.get("/files/docs/?zip")).body).getinfo("docs/a.txt")
    assert info.date_time == (*time.localtime(MODIFIED // 1000)[:5], time.localtime(MODIFIED // 1000)[5] & ~1)
    assert info.extra == struct.pack("<HHBi", 0x5455, 5, 1, MODIFIED // 1000)


@pytest.mark.parametrize("modified", [-(10**14), 0, 10**17, 10**12 * 5])
async def test_times_that_a_zip_can_not_hold_do_no_harm(house: House, anna: Program, modified: int) -> None:
    await store(house, "odd/a", b"1", modified=modified)
    assert opened((await anna.get("/files/odd/?zip")).body).namelist() == ["odd/a"]


async def test_head_promises_without_reading(house: House, anna: Program) -> None:
    answer = await anna.head("/files/docs/?zip")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "application/zip"
    assert not [event for event in await house.events() if event.action == "download"]


async def test_what_is_no_folder_is_told_before_the_first_byte(anna: Program) -> None:
    assert (await anna.get("/files/none/?zip")).status == 404
    assert (await anna.get("/files/other.txt/?zip")).status in (404, 409)
    assert (await anna.get("/files/%2e%2e/?zip")).status == 400


async def fetched(anna: Program, path: str) -> bytes:
    """The bytes of an answer up to where it ended, however it did."""
    async with anna.line(f"GET {path} HTTP/1.1", "Connection: close") as (reader, _):
        data = b""
        try:
            while more := await reader.read(MIB):
                data += more
        except ConnectionError:
            pass
        return data


async def test_damage_on_the_way_can_not_look_complete(house: House, anna: Program) -> None:
    del house.world.blobs.stored[sha256(LARGE)]
    with pytest.raises(aiohttp.ClientError):
        await anna.get("/files/docs/?zip")
    data = await fetched(anna, "/files/docs/?zip")
    assert not data.endswith(b"0\r\n\r\n")
    assert b"PK\x01\x02" not in data and b"PK\x05\x06" not in data
    with pytest.raises(BadZipFile):
        ZipFile(io.BytesIO(data))


async def test_disk_that_fails_within_a_file_can_not_look_complete(house: House, anna: Program) -> None:
    house.world.blobs.fail("send", StorageFailed(), nth=2)
    with pytest.raises(aiohttp.ClientError):
        await anna.get("/files/docs/?zip")


async def test_file_that_goes_away_meanwhile_can_not_be_missing_in_silence(
    house: House, anna: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = archives._Archive._add_file

    async def deletes_first(self: archives._Archive, archive: ZipFile, name: str, file: File) -> None:
        if file.path == "docs/sub/empty":
            await house.world.catalog.trash(file.path, ANNA.account.id, 1)
        await plain(self, archive, name, file)

    monkeypatch.setattr(archives._Archive, "_add_file", deletes_first)
    with pytest.raises(aiohttp.ClientError):
        await anna.get("/files/docs/?zip")


async def test_reader_that_takes_nothing_is_cut(house: House, anna: Program) -> None:
    for number in range(4):
        await store(house, f"many/{number}", bytes([number]) * (8 * MIB))
    async with anna.line("GET /files/many/?zip HTTP/1.1"):
        outcomes: list[str] = []
        async with asyncio.timeout(20):
            while "connection_lost" not in outcomes:
                await asyncio.sleep(0.02)
                outcomes = [event.outcome for event in await house.events() if event.action == "download"]


async def test_more_than_a_page_of_entries(
    house: House, anna: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "PAGE", 3)
    for number in range(10):
        await store(house, f"many/{number:02}", b"x%d" % number)
    archive = opened((await anna.get("/files/many/?zip")).body)
    assert archive.namelist() == [f"many/{number:02}" for number in range(10)]


def test_large_file_gets_the_large_form() -> None:
    out = io.BytesIO()
    info = archives._info("x", 0, 5 << 30)
    with ZipFile(out, "w") as archive, archive.open(info, "w") as entry:
        entry.write(b"1")
    assert (
        struct.unpack_from("<H", out.getvalue(), 4)[0] == 45
    )  # ZIP64's version, told before its size is known
