"""Bytes that are hardly HTTP: each gets one clear answer in our own words, quickly, and leaves no trace."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from fileshare.web.connection import MAX_LINE
from tests.web.house import House, open_house
from tests.web.test_identity import basic

PATIENCE = 20
"""Seconds within which the connection must have been ended; none takes one."""


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as one:
        yield one


@dataclass(frozen=True)
class Said:
    """All that a connection was told until its end."""

    raw: bytes

    @property
    def status(self) -> int:
        return int(self.raw.split()[1]) if self.raw else 0

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def answers(self) -> int:
        return self.raw.count(b"HTTP/1.1 ")


async def said(house: House, *pieces: bytes) -> Said:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            return Said(await reader.read())
    except ConnectionError:
        return Said(b"")
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def get(*lines: bytes, target: bytes = b"/healthz", version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    first = b"%b %b HTTP/%b" % (method, target, version)
    return b"\r\n".join((first, *lines, b"Connection: close", b"", b""))


HOST = b"Host: a"
CREDENTIAL = f"Authorization: {basic('anna')['Authorization']}".encode()

NO_REQUEST = {
    "nonsense": b"\x00\x01\x02\x03\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "HTTP/2 without a word before": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "an unknown version": get(HOST, version=b"9.9"),
    "a blank in the address": get(HOST, target=b"/a b"),
    "a NUL in the address": get(HOST, target=b"/a\0b"),
    "a NUL in a header": get(HOST, b"X: a\0b"),
    "a lone CR in a header": get(HOST, b"X: a\rY: b"),
    "a bare LF at a line's end": b"GET /healthz HTTP/1.1\nHost: a\nConnection: close\n\n",
    "a folded header": get(HOST, b"X: a", b" folded"),
    "a blank before the colon": get(HOST, b"X : a"),
    "a header without a name": get(HOST, b": a"),
    "a header without a colon": get(HOST, b"nonsense"),
    "two hosts": get(HOST, b"Host: b"),
    "two lengths": get(HOST, b"Content-Length: 0", b"Content-Length: 5"),
    "two equal lengths": get(HOST, b"Content-Length: 0", b"Content-Length: 0"),
    "a list of lengths": get(HOST, b"Content-Length: 5, 5"),
    "a length below nothing": get(HOST, b"Content-Length: -1"),
    "a length with a sign": get(HOST, b"Content-Length: +1"),
    "a length in hex": get(HOST, b"Content-Length: 0x1"),
    "a length beyond 64 bits": get(HOST, b"Content-Length: 99999999999999999999"),
    "length and chunks": get(HOST, b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks and length": get(HOST, b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n",
    "chunked twice": get(HOST, b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "chunked not last": get(HOST, b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "an unknown coding": get(HOST, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "an address of a scheme alone": get(HOST, target=b"http://"),
    "a target that is neither": get(HOST, target=b"healthz"),
    "a star for GET": get(HOST, target=b"*"),
}


def is_ours(answer: Said) -> bool:
    head = answer.raw.partition(b"\r\n\r\n")[0].lower()
    error = json.loads(answer.body)["error"]
    return (
        set(error) == {"code", "message"}
        and b"server: fileshare" in head
        and b"aiohttp" not in head
        and b"content-security-policy:" in head
    )


@pytest.mark.parametrize("sent", NO_REQUEST.values(), ids=NO_REQUEST)
async def test_what_is_no_request_is_told_so(
    house: House, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await said(house, sent)
    assert answer.status == 400, answer.raw
    assert answer.answers == 1
    assert is_ours(answer), answer.raw
    assert all(record.levelno <= logging.WARNING and not record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get(HOST, target=b"/" + b"a" * MAX_LINE), 414),
        (get(HOST, b"X: " + b"a" * 100_000), 431),
        (get(HOST, b"Cookie: " + b"a=b; " * 20_000), 431),
        (get(HOST, b"X" * 100_000 + b": a"), 431),
        (get(HOST, *(b"X-%d: a" % number for number in range(10_000))), 431),
    ],
    ids=["address", "header", "cookies", "name", "10,000 headers"],
)
async def test_head_without_end_is_refused(
    house: House, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    answer = await said(house, sent)
    assert (answer.status, is_ours(answer)) == (status, True), answer.raw[:300]
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nabc\r\n",
        b"-1\r\na\r\n",
        b"5\r\nabcdefgh\r\n0\r\n\r\n",
        b"1\na\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\n",
    ],
)
@pytest.mark.parametrize("path", [b"/files/a", b"/api/v1/folders", b"/login"])
async def test_broken_chunks_end_the_request(
    house: House, caplog: pytest.LogCaptureFixture, path: bytes, chunks: bytes
) -> None:
    method, kind = (b"PUT", b"x/y") if path == b"/files/a" else (b"POST", b"application/json")
    lines = (HOST, CREDENTIAL, b"Transfer-Encoding: chunked", b"Content-Type: " + kind)
    answer = await said(house, get(*lines, target=path, method=method), chunks)
    assert answer.status in (400, 411), answer.raw
    assert is_ours(answer)
    assert not any(record.exc_info for record in caplog.records)
    assert await house.world.catalog.uploads() == []


@pytest.mark.parametrize(
    ("method", "status"),
    [(b"TRACE", 405), (b"CONNECT", 400), (b"PROPFIND", 405), (b"SEARCH", 405), (b"get", 400), (b"X", 400)],
)
async def test_odd_method_is_refused(house: House, method: bytes, status: int) -> None:
    answer = await said(house, get(HOST, method=method))
    assert (answer.status, is_ours(answer)) == (status, True), answer.raw


async def test_trace_gives_nothing_back(house: House) -> None:
    answer = await said(house, get(HOST, b"Cookie: fileshare=secret", method=b"TRACE"))
    assert b"secret" not in answer.raw


@pytest.mark.parametrize("target", [b"a:443", b"http://evil.example/healthz", b"https://a/../healthz"])
async def test_door_is_no_proxy(house: House, target: bytes) -> None:
    method = b"CONNECT" if target == b"a:443" else b"GET"
    answer = await said(house, get(HOST, target=target, method=method))
    assert answer.status in (200, 400, 404, 405), answer.raw
    assert b"evil.example" not in answer.raw


async def test_request_behind_another_in_one_body_is_no_request(house: House) -> None:
    """The length that counts is one and the same for everybody before us."""
    inner = get(HOST, target=b"/metrics")
    outer = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(inner)
    answer = await said(house, outer + inner)
    assert answer.answers == 1


async def test_http_1_0_is_answered_and_ended(house: House) -> None:
    assert (await said(house, b"GET /healthz HTTP/1.0\r\n\r\n")).status == 200


async def test_http_0_9_is_not_spoken(house: House) -> None:
    assert (await said(house, b"GET /healthz\r\n\r\n")).status == 400


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_upgrade_is_not_taken(house: House, offer: bytes) -> None:
    lines = (HOST, b"Upgrade: " + offer, b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    head = b"\r\n".join((b"GET /healthz HTTP/1.1", *lines, b"Connection: Upgrade, close", b"", b""))
    assert (await said(house, head)).status in (200, 400)


@pytest.mark.parametrize(
    "name", [b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"Forwarded", b"X-Real-IP"]
)
async def test_forwarding_headers_of_a_stranger_count_for_nothing(house: House, name: bytes) -> None:
    wrong = b"Authorization: Bearer nonsense"
    answer = await said(house, get(HOST, wrong, name + b": https, 203.0.113.9", target=b"/files/"))
    assert answer.status == 401
    assert (await house.events())[0].address == "127.0.0.1"


@pytest.mark.parametrize(
    "raw",
    ["%0A", "a%0Ab", "%00", "a%00b", "a%5Cb", "%ff", "%c0%af", "%e0%80%af", "%ed%a0%80", "%f4%90%80%80"],
)
@pytest.mark.parametrize("base", ["/files/", "/api/v1/files/", "/api/v1/versions/"])
async def test_name_that_can_not_be_is_refused_alike_everywhere(house: House, base: str, raw: str) -> None:
    answer = await said(house, get(HOST, CREDENTIAL, target=(base + raw).encode()))
    assert (answer.status, is_ours(answer)) == (400, True), answer.raw


@pytest.mark.parametrize("raw", ["%0A", "%00", "a%2Fb", "%5C", "%ff", "%c0%af", "%ed%a0%80", "%", "%zz"])
@pytest.mark.parametrize(
    "base", ["/", "/static/x/", "/tus/", "/users/", "/logs/", "/api/v1/users/", "/api/v1/trash/", "/login"]
)
async def test_odd_address_is_never_a_crash(
    house: House, caplog: pytest.LogCaptureFixture, base: str, raw: str
) -> None:
    answer = await said(house, get(HOST, CREDENTIAL, target=(base + raw).encode()))
    assert answer.status in (400, 401, 403, 404, 405), answer.raw
    assert is_ours(answer)
    assert not any(record.exc_info for record in caplog.records)
