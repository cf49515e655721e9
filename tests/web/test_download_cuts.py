"""A download that can't be sent whole never looks whole, and nobody holds a line for ever."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import trustme
from aiohttp import web

from fileshare.domain.model import Event
from fileshare.errors import ConnectionLost, Damaged, StorageFailed
from fileshare.services.ports import OpenFile
from fileshare.web.keys import WebSettings
from fileshare.web.sinks import ResponseSink
from tests.services.workshop import MIB, sha256
from tests.storage.open_files import opened
from tests.web.house import House, open_house
from tests.web.programs import Program, program, store

DATA = bytes(range(256)) * (4 * MIB // 256)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=0.2)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    await store(house, "a.bin", DATA)
    async with program(house) as anna:
        yield anna


async def end_of_download(house: House) -> Event:
    """What the audit trail says of the first download, once it is over."""
    async with asyncio.timeout(20):
        while True:
            for event in await house.events():
                if event.action == "download":
                    return event
            await asyncio.sleep(0.01)


async def test_damaged_content_is_refused_before_the_first_byte(house: House, anna: Program) -> None:
    house.world.blobs.stored[sha256(DATA)] = DATA[:-1]
    answer = await anna.get("/files/a.bin")
    assert answer.status == 500
    assert b'"damaged"' in answer.body


async def test_disk_that_fails_after_the_head_ends_the_connection(house: House, anna: Program) -> None:
    house.world.blobs.fail("send", StorageFailed())
    with pytest.raises(aiohttp.ClientError):
        await anna.get("/files/a.bin")
    house.world.blobs.fail("send", StorageFailed(), nth=2)
    with pytest.raises(aiohttp.ClientError):
        await anna.get("/files/a.bin", Range="bytes=0-9,1000-1009")


async def test_reader_that_takes_nothing_is_cut(house: House, anna: Program) -> None:
    await store(house, "large", bytes(16 * MIB))
    async with anna.line("GET /files/large HTTP/1.1") as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        assert (await end_of_download(house)).outcome == "connection_lost"
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(16 * MIB)


async def test_reader_that_goes_away_is_noted_and_nothing_else(
    house: House, anna: Program, caplog: pytest.LogCaptureFixture
) -> None:
    await store(house, "large", bytes(16 * MIB))
    async with anna.line("GET /files/large HTTP/1.1") as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    assert (await end_of_download(house)).outcome == "connection_lost"
    assert not [record for record in caplog.records if record.exc_info]


# The sink on files of a disk, which the stores in memory do not have


class Disk:
    """A server that sends one open file by the sink."""

    def __init__(self, file: OpenFile, count: int, told: int | None) -> None:
        self.file = file
        self.count = count
        self.told = told
        self.error: Exception | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = self.told
        await response.prepare(request)
        sink = ResponseSink(cast(web.Request, request), response, 5)
        try:
            await sink.send_file(self.file, 3, self.count)
        except (ConnectionLost, Damaged) as error:
            self.error = error
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError from error
        await response.write_eof()
        return response


async def fetch(disk: Disk, authority: trustme.CA | None) -> bytes:
    tls = client = None
    if authority is not None:
        tls, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("localhost").configure_cert(tls)
        authority.configure_trust(client)
    server = web.Server(disk.handle)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    scheme = "http" if tls is None else "https"
    try:
        async with aiohttp.ClientSession() as session:
            url = f"{scheme}://127.0.0.1:{port}/"
            options = {"ssl": client, "server_hostname": "localhost"} if client else {}
            async with session.get(url, **options) as answer:  # type: ignore[arg-type]
                return await answer.read()
    finally:
        listener.close()
        await server.shutdown(1)


@pytest.mark.parametrize("told", [True, False], ids=["length told", "chunked"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_file_is_sent_by_the_kernel_or_by_hand(tmp_path: Path, secure: bool, told: bool) -> None:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    async with opened(path) as file:
        disk = Disk(file, len(DATA) - 3, len(DATA) - 3 if told else None)
        assert await fetch(disk, trustme.CA() if secure else None) == DATA[3:]
        assert disk.error is None


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_file_that_is_shorter_than_told_ends_the_connection(tmp_path: Path, secure: bool) -> None:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    async with opened(path) as file:
        disk = Disk(file, len(DATA), len(DATA))
        with pytest.raises(aiohttp.ClientError):
            await fetch(disk, trustme.CA() if secure else None)
        assert isinstance(disk.error, Damaged)
