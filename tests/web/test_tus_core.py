"""tus 1.0.0, the core protocol and creation, requirement by requirement."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fileshare.errors import NoSpace, NotFound, Unavailable
from fileshare.web.keys import WebSettings
from tests.services.workshop import MIB, World, sha256
from tests.web.house import House, open_house
from tests.web.programs import until
from tests.web.tus import BYTES, DATA, Tus, metadata, tus_client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    settings = WebSettings(stall_seconds=0.5, max_file_size=4 * MIB)
    async with open_house(settings, world=World(max_file_size=4 * MIB)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Tus]:
    async with tus_client(house) as anna:
        yield anna


async def test_options_tells_what_the_server_can(anna: Tus) -> None:
    for path in ("/tus/", "/tus/some"):
        answer = await anna.ask("OPTIONS", path, Tus_Resumable="")
        assert answer.status == 204
        assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Max-Size"] == str(4 * MIB)
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert "creation" in answer.headers["Tus-Extension"].split(",")


async def test_file_comes_in_pieces(house: House, anna: Tus) -> None:
    url = await anna.create(path="docs/a b.bin")
    assert url.startswith(house.url + "/tus/")
    assert await anna.offset(url) == 0
    first = await anna.patch(url, 0, DATA[:1000])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "1000")
    assert first.headers["Upload-Expires"].endswith("GMT")
    assert await anna.offset(url) == 1000
    last = await anna.patch(url, 1000, DATA[1000:])
    assert (last.status, last.headers["Upload-Offset"]) == (204, str(len(DATA)))
    assert last.headers["Fileshare-Path"] == "docs/a%20b.bin"
    assert last.headers["Fileshare-Version"] == "1"
    assert await house.world.stored_bytes("docs/a b.bin") == DATA


async def test_head_tells_all_of_an_upload_and_is_never_cached(anna: Tus) -> None:
    url = await anna.create()
    answer = await anna.head(url)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Upload-Length"] == str(len(DATA))
    assert answer.headers["Upload-Metadata"] == metadata(filename="a.bin")
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_finished_upload_is_told_the_same_again(house: House, anna: Tus) -> None:
    url = await anna.create()
    last = await anna.patch(url, 0, DATA)
    head = await anna.head(url)
    for name in ("Upload-Offset", "Fileshare-Path", "Fileshare-Version", "Repr-Digest"):
        assert head.headers[name] == last.headers[name]
    assert head.headers["Upload-Length"] == str(len(DATA))
    assert head.headers["Upload-Metadata"] == metadata(filename="a.bin")
    again = await anna.patch(url, len(DATA), b"")
    assert (again.status, again.headers["Fileshare-Path"]) == (204, "a.bin")
    assert (await anna.patch(url, len(DATA), b"x")).status == 409
    assert (await anna.patch(url, 0, DATA)).status == 409
    assert await house.world.catalog.count_files() == 1


async def test_address_of_a_finished_upload_leads_to_its_file(anna: Tus) -> None:
    url = await anna.create(path="ä.bin")
    begun = await anna.ask("GET", url, Tus_Resumable="")
    assert (begun.status, begun.headers["Upload-Offset"]) == (200, "0")
    await anna.patch(url, 0, DATA)
    done = await anna.ask("GET", url, Tus_Resumable="")
    assert (done.status, done.headers["Location"]) == (303, "/files/%C3%A4.bin")


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("told", ["", "0.2.2", "1.0.1"])
async def test_other_versions_are_refused_and_nothing_is_done(anna: Tus, method: str, told: str) -> None:
    url = await anna.create()
    path = "/tus/" if method == "POST" else url
    answer = await anna.ask(method, path, Tus_Resumable=told, Upload_Length="1", Upload_Offset="0")
    assert answer.status == 412
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert await anna.offset(url) == 0
    assert len(await anna.house.world.catalog.uploads()) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload_Offset": "1"}, 409),
        ({"Upload_Offset": "999999999999999999"}, 409),
        ({"Upload_Offset": "-1"}, 400),
        ({"Upload_Offset": "1.0"}, 400),
        ({"Upload_Offset": "٣"}, 400),
        ({"Upload_Offset": "9" * 30}, 400),
        ({"Upload_Offset": ""}, 400),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Upload_Length": "7"}, 400),
        ({"Content_Encoding": "gzip"}, 400),
    ],
)
async def test_patch_that_does_not_fit_is_refused(anna: Tus, headers: dict[str, str], status: int) -> None:
    url = await anna.create()
    assert (await anna.patch(url, 0, b"bytes", **headers)).status == status
    assert await anna.offset(url) == 0
    assert (await anna.patch(url, 0, DATA)).status == 204


async def test_more_bytes_than_announced_are_refused_before_they_come(anna: Tus) -> None:
    url = await anna.create(10)
    assert (await anna.patch(url, 0, b"x" * 11)).status == 413
    assert await anna.offset(url) == 0


async def pieces_of(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 7000):
        yield data[start : start + 7000]


async def test_bytes_may_come_without_a_length(house: House, anna: Tus) -> None:
    url = await anna.create()
    assert (await anna.patch(url, 0, pieces_of(DATA[:50_000]))).headers["Upload-Offset"] == "50000"
    assert (await anna.patch(url, 50_000, pieces_of(DATA[50_000:]))).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_more_bytes_than_announced_make_no_file(house: House, anna: Tus) -> None:
    """The first ones would be a file that nobody has."""
    for size in (10, None):
        url = await anna.create(size)
        too_much = b"x" * 11 if size else b"x" * (4 * MIB + 1)
        assert (await anna.patch(url, 0, pieces_of(too_much))).status == 413
        assert (await anna.head(url)).status == 404
    assert await house.world.catalog.count_files() == 0
    assert await house.world.blobs.parts() == []


async def test_refused_bytes_are_not_asked_for(house: House, anna: Tus) -> None:
    url = await anna.create()
    path = url.removeprefix(house.url)
    lines = ("Content-Length: 5", "Expect: 100-continue", "Tus-Resumable: 1.0.0", f"Content-Type: {BYTES}")
    async with anna.program.line(f"PATCH {path} HTTP/1.1", "Upload-Offset: 1", *lines) as (reader, _):
        assert b" 409 " in await reader.readline()
    async with anna.program.line(f"PATCH {path} HTTP/1.1", "Upload-Offset: 0", *lines) as (reader, writer):
        assert b" 100 " in await reader.readline()
        writer.write(b"12345")
        await reader.readline()
        assert b" 204 " in await reader.readline()


async def test_full_disk_keeps_what_came(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:1000])
    house.world.blobs.fail("receive", NoSpace())
    assert (await anna.patch(url, 1000, DATA[1000:])).status == 507
    offset = await anna.offset(url)
    assert offset >= 1000
    assert (await anna.patch(url, offset, DATA[offset:])).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_failed_commit_is_made_up_for_when_the_client_asks(house: House, anna: Tus) -> None:
    url = await anna.create()
    house.world.catalog.fail("finish", Unavailable())
    assert (await anna.patch(url, 0, DATA)).status == 503
    assert (await anna.head(url)).headers["Fileshare-Path"] == "a.bin"
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_unknown_uploads_are_not_found(anna: Tus) -> None:
    for url in ("/tus/" + "0" * 32, "/tus/..%2f..%2fetc", "/tus/%00"):
        for method in ("HEAD", "PATCH", "DELETE"):
            answer = await anna.ask(method, url, Upload_Offset="0", Content_Type=BYTES)
            assert answer.status == 404
            assert "Upload-Offset" not in answer.headers


async def test_uploads_of_others_are_not_found(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:100])
    async with tus_client(house, "bert") as bert:
        for method in ("HEAD", "GET", "PATCH", "DELETE"):
            answer = await bert.ask(method, url, Upload_Offset="100", Content_Type=BYTES)
            assert answer.status == 404
    assert await anna.offset(url) == 100


async def test_every_byte_of_a_broken_patch_is_kept(house: House, anna: Tus) -> None:
    url = await anna.create()
    path = url.removeprefix(house.url)
    lines = (
        f"Content-Length: {len(DATA)}",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        f"Content-Type: {BYTES}",
    )
    async with anna.program.line(f"PATCH {path} HTTP/1.1", *lines) as (_, writer):
        writer.write(DATA[:70_001])
        await until(lambda: any(one.offset == 70_001 for one in house.world.uploads.writers()))
    assert await anna.offset(url) == 70_001
    assert (await anna.patch(url, 70_001, DATA[70_001:])).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_stalled_client_is_cut_without_an_answer_and_keeps_its_bytes(house: House, anna: Tus) -> None:
    """A status in the 400s would be the end of the upload to tus-js-client, which goes on after a cut."""
    url = await anna.create()
    path = url.removeprefix(house.url)
    lines = (
        f"Content-Length: {len(DATA)}",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        f"Content-Type: {BYTES}",
    )
    async with anna.program.line(f"PATCH {path} HTTP/1.1", *lines) as (reader, writer):
        writer.write(DATA[:5000])
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    assert await anna.offset(url) == 5000


async def test_second_patch_takes_the_upload_over(house: House, anna: Tus) -> None:
    url = await anna.create()
    path = url.removeprefix(house.url)
    lines = (
        f"Content-Length: {len(DATA)}",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        f"Content-Type: {BYTES}",
    )
    async with anna.program.line(f"PATCH {path} HTTP/1.1", *lines) as (reader, writer):
        writer.write(DATA[:5000])
        await until(lambda: any(one.offset == 5000 for one in house.world.uploads.writers()))
        assert await anna.offset(url) == 5000
        assert (await anna.patch(url, 5000, DATA[5000:])).status == 204
        assert b"409" in await reader.readline()
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_terminated_upload_is_gone(house: House, anna: Tus) -> None:
    url = await anna.create()
    await anna.patch(url, 0, DATA[:100])
    assert (await anna.ask("DELETE", url)).status == 204
    assert (await anna.head(url)).status == 404
    assert (await anna.patch(url, 100, DATA[100:])).status == 404
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []


async def test_wrong_digest_of_the_whole_is_460_and_the_upload_is_gone(house: House, anna: Tus) -> None:
    told = metadata(filename="a.bin", sha256=sha256(b"other"))
    url = await anna.create(Upload_Metadata=told)
    answer = await anna.patch(url, 0, DATA)
    assert answer.status == 460
    assert "digest_mismatch" in answer.text
    assert (await anna.head(url)).status == 404
    with pytest.raises(NotFound):
        await house.world.catalog.entry("a.bin")


async def test_method_may_be_told_in_a_header(house: House, anna: Tus) -> None:
    url = await anna.create()
    answer = await anna.ask(
        "POST", url, DATA, X_HTTP_Method_Override="PATCH", Upload_Offset="0", Content_Type=BYTES
    )
    assert answer.status == 204
    assert await house.world.stored_bytes("a.bin") == DATA
    other = await anna.create(path="b.bin")
    assert (await anna.ask("POST", other, X_HTTP_Method_Override="DELETE")).status == 204
    assert (await anna.head(other)).status == 404
    assert (await anna.ask("POST", url)).status == 405
    assert (await anna.ask("POST", "/tus/", X_HTTP_Method_Override="OPTIONS")).status == 204
    assert (await anna.ask("POST", "/tus/", X_HTTP_Method_Override="PATCH")).status == 405
