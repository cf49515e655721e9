"""The page of transfers in flight, and what stopping one does at the web door."""

import asyncio
import io
import re
from collections.abc import AsyncIterator

import pytest

from fileshare.errors import StorageFailed
from fileshare.services.transfers import Transfer
from fileshare.services.writer import Writer
from fileshare.web import transfer_pages
from tests.services.workshop import ADMIN, MIB
from tests.web.house import Browser, House, open_house
from tests.web.programs import Program, program, store, until
from tests.web.test_raw_uploads import promise
from tests.web.tus import BYTES, Tus

DATA = bytes(range(256)) * (16 * MIB // 256)
SENT = 50_000
STOP = re.compile(r'name="transfer" value="([0-9a-f-]+)"')


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    async with program(house) as anna:
        yield anna


@pytest.fixture
async def root(house: House) -> AsyncIterator[Browser]:
    async with house.browser("root") as browser:
        yield browser


def running(house: House) -> list[Transfer]:
    return list(house.world.transfers.list(ADMIN))


async def stop_the_only_one(root: Browser) -> None:
    _, page, _ = await root.get("/transfers")
    found = STOP.search(page)
    assert found, page
    status, _, answer = await root.post("/transfers/stop", transfer=found[1])
    assert (status, answer.headers["Location"]) == (303, "/transfers?done=transfer_stopped")


async def test_nothing_under_way_is_said(root: Browser) -> None:
    assert "Nothing moves now" in (await root.get("/transfers"))[1]


async def test_upload_is_shown_stopped_and_gone_on_with(house: House, anna: Program, root: Browser) -> None:
    head = (f"Content-Length: {len(DATA)}", f"Repr-Digest: {promise(DATA)}")
    async with anna.line("PUT /files/film.bin HTTP/1.1", *head) as (reader, writer):
        writer.write(DATA[:SENT])
        await until(lambda: any(one.offset == SENT for one in running(house)))
        _, page, _ = await root.get("/transfers")
        for said in ("film.bin", "anna", "upload", "web, 127.0.0.1", "50 kB of 17 MB"):
            assert said in page
        await stop_the_only_one(root)
        assert b" 403 " in await reader.readline()
        assert b'"stopped"' in await reader.readuntil(b"}}")
    await until(lambda: not running(house))
    (upload,) = await house.world.catalog.uploads()
    assert upload.offset == SENT
    again = await anna.put("/files/film.bin", io.BytesIO(DATA), Repr_Digest=promise(DATA))
    assert again.status == 201
    assert (await anna.get("/files/film.bin")).body == DATA


async def test_stopped_upload_by_tus_keeps_what_arrived(house: House, anna: Program, root: Browser) -> None:
    tus = Tus(anna)
    url = await tus.create(len(DATA))
    head = (
        "Tus-Resumable: 1.0.0",
        f"Content-Type: {BYTES}",
        "Upload-Offset: 0",
        f"Content-Length: {SENT + 1}",
    )
    path = url.removeprefix(house.url)
    async with anna.line(f"PATCH {path} HTTP/1.1", *head) as (reader, writer):
        writer.write(DATA[:SENT])
        await until(lambda: any(one.offset == SENT for one in running(house)))
        await stop_the_only_one(root)
        assert b" 403 " in await reader.readline()
        assert b'"stopped"' in await reader.readuntil(b"}}")
    assert await tus.offset(url) == SENT
    assert (await tus.patch(url, SENT, io.BytesIO(DATA[SENT:]))).status == 204


async def test_upload_by_tus_that_is_stopped_behind_its_piece_is_told_too(
    house: House, anna: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    tus = Tus(anna)
    url = await tus.create(len(DATA))
    checkpoint = Writer.checkpoint

    async def stop_meanwhile(writer: Writer) -> int:
        writer.halt()
        return await checkpoint(writer)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "checkpoint", stop_meanwhile)
        answer = await tus.patch(url, 0, DATA[:SENT])
    assert (answer.status, b'"stopped"' in answer.body) == (403, True)
    assert await tus.offset(url) == SENT


async def test_upload_by_tus_is_shown_and_stopped_between_two_pieces(
    house: House, anna: Program, root: Browser
) -> None:
    tus = Tus(anna)
    url = await tus.create(len(DATA))
    assert not running(house)
    await tus.patch(url, 0, DATA[:SENT])
    _, text, _ = await root.get("/transfers")
    assert "a.bin" in text
    await stop_the_only_one(root)
    assert await tus.offset(url) == SENT
    refused = await tus.patch(url, SENT, io.BytesIO(DATA[SENT:]))
    assert (refused.status, b'"stopped"' in refused.body) == (403, True)
    assert not running(house)
    assert await tus.offset(url) == SENT
    assert (await tus.patch(url, SENT, io.BytesIO(DATA[SENT:]))).status == 204


async def test_download_is_shown_and_stopped(
    house: House, anna: Program, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.services.transfers.GRACE_SECONDS", 0)
    await store(house, "film.bin", DATA)
    async with anna.line("GET /files/film.bin HTTP/1.1") as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: running(house))
        assert "download" in (await root.get("/transfers"))[1]
        await stop_the_only_one(root)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(len(DATA))
    await until(lambda: not running(house))
    ends = [event.outcome for event in await house.events() if event.action == "download"]
    assert ends == ["stopped"]


async def test_folder_as_an_archive_is_one_transfer(house: House, anna: Program, root: Browser) -> None:
    await store(house, "trip/a.bin", DATA)
    async with anna.line("GET /files/trip/?zip HTTP/1.1") as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: running(house))
        (one,) = running(house)
        assert (one.path, one.size) == ("trip/trip.zip", None)
        assert "size unknown" in (await root.get("/transfers"))[1]


async def test_transfer_that_ended_meanwhile_is_no_failure(root: Browser) -> None:
    status, _, answer = await root.post("/transfers/stop", transfer="0-0")
    assert (status, answer.headers["Location"]) == (303, "/transfers?done=transfer_over")


async def test_more_than_a_page_holds_are_counted(
    house: House, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_pages, "MOST_SHOWN", 1)
    head = "Content-Length: 9"
    async with (
        program(house) as anna,
        anna.line("PUT /files/a HTTP/1.1", head),
        anna.line("PUT /files/b HTTP/1.1", head),
    ):
        await until(lambda: len(running(house)) == 2)
        _, page, _ = await root.get("/transfers")
        assert "1 that began later" in page


async def test_disk_that_is_nearly_full_is_told_to_admins_alone(house: House, root: Browser) -> None:
    house.world.blobs.free, house.world.blobs.total = 5 * 10**9, 100 * 10**9
    assert "nearly full" in (await root.get("/files/"))[1]
    assert "5.0 GB of 100 GB" in (await root.get("/users"))[1]
    async with house.browser("anna") as anna:
        assert "nearly full" not in (await anna.get("/files/"))[1]


async def test_disk_with_room_is_no_news(house: House, root: Browser) -> None:
    house.world.blobs.free, house.world.blobs.total = 11 * 10**9, 100 * 10**9
    assert "nearly full" not in (await root.get("/files/"))[1]


async def test_disk_is_not_asked_for_every_page(house: House, root: Browser) -> None:
    await root.get("/files/")
    house.world.blobs.free = 0
    assert "nearly full" not in (await root.get("/files/"))[1]


async def test_disk_that_does_not_answer_hides_no_page(house: House, root: Browser) -> None:
    async def broken() -> tuple[int, int]:
        raise StorageFailed()

    house.world.blobs.space = broken  # type: ignore[method-assign]
    assert (await root.get("/users"))[0] == 200
