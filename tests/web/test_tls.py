"""The web door under TLS: what is seen of a connection before, within and after the handshake."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import pytest
import trustme

from fileshare.web.server import WebLimits
from tests.web.house import House, open_house
from tests.web.test_identity import basic

PATIENCE = 30


@dataclass(frozen=True)
class Papers:
    """A server's certificate, and a client's trust in it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def papers() -> Papers:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return Papers(server, client)


@asynccontextmanager
async def silent(house: House) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that never shakes hands."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    try:
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ended(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            return await reader.read() == b""
    return True


async def test_file_goes_up_and_down(papers: Papers) -> None:
    data = bytes(range(256)) * 4096
    async with open_house(tls=papers.server) as house, aiohttp.ClientSession() as session:
        url, headers = f"{house.url}/files/a", basic("anna")
        async with session.put(url, data=data, headers=headers, ssl=papers.client) as answer:
            assert answer.status == 201
        async with session.get(url, headers=headers, ssl=papers.client) as answer:
            assert await answer.read() == data
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_request_that_comes_with_the_end_of_the_handshake_is_answered(papers: Papers) -> None:
    async with open_house(tls=papers.server) as house:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = papers.client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65_536))
        tls.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        writer.write(outgoing.read())  # the client's last word of the handshake, and the request
        answer = b""
        while not answer.endswith(b"}"):
            try:
                answer += tls.read(65_536)
            except ssl.SSLWantReadError:
                incoming.write(await reader.read(65_536))
        assert b" 200 OK" in answer
        writer.close()
        await writer.wait_closed()


async def test_those_who_never_shake_hands_give_way_by_address(papers: Papers) -> None:
    limits = WebLimits(max_silent_per_address=2, moment=0)
    async with open_house(limits=limits, tls=papers.server) as house:
        async with silent(house) as oldest, silent(house), silent(house):
            assert await ended(oldest)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{house.url}/healthz", ssl=papers.client) as answer:
                assert answer.status == 200


async def test_handshake_has_an_end(papers: Papers) -> None:
    async with open_house(limits=WebLimits(first_request_seconds=0.1), tls=papers.server) as house:
        async with silent(house) as line:
            assert await ended(line)


async def test_plain_request_at_a_tls_door_is_cut_without_a_trace(
    papers: Papers, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_house(tls=papers.server) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with suppress(ConnectionError):
            assert b"HTTP" not in await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    assert not caplog.records


async def test_door_closes_upon_those_who_shake_hands(papers: Papers) -> None:
    async with open_house(tls=papers.server) as house, silent(house) as line:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{house.url}/healthz", ssl=papers.client):
                pass
        await house.server.drain(1)
        assert await ended(line)
