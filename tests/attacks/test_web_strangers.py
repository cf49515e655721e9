"""Requests of somebody who has no account: each is refused before it costs anything, and none crashes."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from fileshare.web.admission import LONGEST_TYPE
from fileshare.web.guards import STRANGERS_BODY
from tests.web.house import House, open_house

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as one:
        yield one


async def said(house: House, head: bytes, body: bytes = b"") -> int:
    """The status of an answer to these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    writer.write(head + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


async def posted(house: House, path: str, headers: Mapping[str, str], body: object) -> int:
    async with aiohttp.ClientSession() as session:
        async with session.post(house.url + path, headers=headers, data=body) as answer:
            return answer.status


@pytest.mark.parametrize(
    ("path", "kind"), [("/login", FORM), ("/api/v1/tokens", JSON), ("/files/", "multipart/form-data")]
)
async def test_packed_body_is_never_unpacked(house: House, path: str, kind: str) -> None:
    bomb = gzip.compress(bytes(8 << 20))
    assert await posted(house, path, {"Content-Type": kind, "Content-Encoding": "gzip"}, bomb) == 400


async def test_body_that_only_claims_to_be_packed_is_no_crash(house: House) -> None:
    assert await posted(house, "/login", {"Content-Type": FORM, "Content-Encoding": "gzip"}, b"aaaa") == 400


@pytest.mark.parametrize("piece", [';"";"', ";", 'a="\\', "("])
async def test_endless_content_type_is_never_parsed(house: House, piece: str) -> None:
    kind = f"text/plain; {piece * 8000}"[:8000]
    assert await posted(house, "/login", {"Content-Type": kind}, b"x") == 400
    assert await posted(house, "/login", {"Content-Type": kind[:LONGEST_TYPE]}, b"x") in (400, 415)


@pytest.mark.parametrize(
    "host", [b"Host: [::1", b"Host: \xe2\x84\x80", b"Host: \xff[", b"Host: a:b:c", b"Host: @", b"Host:"]
)
@pytest.mark.parametrize("path", [b"/login", b"/files/", b"/metrics", b"/none"])
async def test_host_that_is_none_is_no_crash(
    house: House, caplog: pytest.LogCaptureFixture, host: bytes, path: bytes
) -> None:
    with caplog.at_level(logging.ERROR):
        assert await said(house, b"GET %b HTTP/1.1\r\n%b" % (path, host)) < 500
    assert not caplog.records


async def test_host_may_be_missing_where_there_was_none_yet(house: House) -> None:
    assert await said(house, b"GET /healthz HTTP/1.0\r\nX: y") == 200


@pytest.mark.parametrize("path", [b"/login", b"/files/", b"/tus/"])
@pytest.mark.parametrize("expectation", [b"\xff", b"x", b"100-continue, x"])
async def test_unknown_expectation_is_no_crash(house: House, path: bytes, expectation: bytes) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nExpect: %b" % (path, expectation)
    assert await said(house, head) == 417


@pytest.mark.parametrize(("path", "kind"), [("/login", FORM), ("/api/v1/tokens", JSON)])
async def test_large_body_without_a_login_is_not_read(house: House, path: str, kind: str) -> None:
    assert await posted(house, path, {"Content-Type": kind}, bytes(STRANGERS_BODY + 1)) == 413

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"

    assert await posted(house, path, {"Content-Type": kind}, endless()) == 411
