"""A tus client that missed the answer to its first request asks again, and makes no second file."""

from collections.abc import AsyncIterator

import pytest

from tests.services.workshop import sha256
from tests.web.house import House, open_house
from tests.web.programs import Answer, until
from tests.web.tus import BYTES, DATA, Tus, checksum, metadata, tus_client

ID = "0123456789abcdef"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Tus]:
    async with tus_client(house) as anna:
        yield anna


async def begin(anna: Tus, data: bytes = b"", upload_id: str = ID, path: str = "a.bin") -> Answer:
    told = metadata(filename=path, sha256=sha256(DATA), upload_id=upload_id)
    bytes_ = {"Content_Type": BYTES, "Upload_Checksum": checksum(data)} if data else {}
    return await anna.ask(
        "POST", "/tus/", data or None, Upload_Length=str(len(DATA)), Upload_Metadata=told, **bytes_
    )


async def test_whole_file_sent_twice_is_stored_once(house: House, anna: Tus) -> None:
    first, second = await begin(anna, DATA), await begin(anna, DATA)
    assert (first.status, second.status) == (201, 201)
    for name in ("Location", "Upload-Offset", "Fileshare-Path", "Fileshare-Version"):
        assert first.headers[name] == second.headers[name]
    assert await house.world.catalog.count_files() == 1


async def test_begun_upload_is_found_again_with_its_bytes(house: House, anna: Tus) -> None:
    first, second = await begin(anna, DATA[:1000]), await begin(anna, DATA[:1000])
    assert first.headers["Location"] == second.headers["Location"]
    assert second.headers["Upload-Offset"] == "1000"
    last = await anna.patch(second.headers["Location"], 1000, DATA[1000:])
    assert last.headers["Fileshare-Path"] == "a.bin"
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_empty_upload_is_found_again_and_takes_bytes(house: House, anna: Tus) -> None:
    first, second = await begin(anna), await begin(anna, DATA)
    assert first.headers["Location"] == second.headers["Location"]
    assert second.headers["Fileshare-Path"] == "a.bin"


async def test_repeated_request_takes_over_from_the_first_and_nothing_is_given_up(
    house: House, anna: Tus
) -> None:
    told = metadata(filename="a.bin", sha256=sha256(DATA), upload_id=ID)
    lines = ["Tus-Resumable: 1.0.0", f"Upload-Length: {len(DATA)}", f"Upload-Metadata: {told}"]
    lines += [f"Content-Length: {len(DATA)}", f"Content-Type: {BYTES}"]
    async with anna.program.line("POST /tus/ HTTP/1.1", *lines) as (reader, writer):
        writer.write(DATA[:1000])
        await until(lambda: any(one.offset == 1000 for one in house.world.uploads.writers()))
        again = await begin(anna)
        assert (again.status, again.headers["Upload-Offset"]) == (201, "1000")
        assert b" 409 " in await reader.readline()
    assert (await anna.patch(again.headers["Location"], 1000, DATA[1000:])).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_id_of_another_path_is_a_conflict(anna: Tus) -> None:
    await begin(anna)
    assert (await begin(anna, path="b.bin")).status == 409


async def test_id_of_another_account_is_not_theirs(house: House, anna: Tus) -> None:
    await begin(anna, DATA)
    async with tus_client(house, "bert") as bert:
        assert (await begin(bert, DATA)).headers["Fileshare-Path"] == "a_v2.bin"


@pytest.mark.parametrize("upload_id", ["short", "x" * 65, "with spaces in it!!", "0123456789abcdef\n"])
async def test_id_that_none_is_is_refused(anna: Tus, upload_id: str) -> None:
    assert (await begin(anna, upload_id=upload_id)).status == 400
