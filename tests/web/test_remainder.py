"""Large bodies that a thread takes off the socket: whole, in order, and the connection goes on after them.

What is pinned here is also how aiohttp holds its parser: see `web.remainder`.
"""

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import http_parser, web, web_protocol

from fileshare.services.lending import FLOWING, Loan, unread
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.parts import DiskPart
from fileshare.web import remainder
from fileshare.web.bodies import RequestBody
from fileshare.web.connection import MAX_LINE
from fileshare.web.receiving import Body
from fileshare.web.tus.checksums import HASHERS, CheckedBody, Checksum
from tests.services.workshop import MIB
from tests.storage.builders import BOOT, new_id
from tests.web.house import open_house
from tests.web.programs import Program, program, until

DATA = bytes(range(251)) * (48 << 10)
"""12 MB: more than the kernel and aiohttp hold together on loopback."""


class Watched(RequestBody):
    """A request's body that remembers what was lent of it."""

    def __init__(self, request: web.Request, stop_at: int) -> None:
        super().__init__(request, stall_seconds=20)
        self._stop_at = stop_at
        self.loans = 0
        self.lent = 0

    async def lend(self, limit: int) -> Loan | None:
        loan = await super().lend(limit)
        self.loans += loan is not None
        if loan is not None and self.loans == self._stop_at:
            self.stop()
            assert loan.recalled
        return loan

    def _returned(self, taken: int) -> None:
        super()._returned(taken)
        self.lent += taken


@dataclass
class Taker:
    """The handler: takes a body into a part as an upload does, once enough of it waits on the socket."""

    disk: DiskBlobs
    most: int = 1 << 40
    at_once: int = 8 * MIB
    stop_at: int = 0
    """The loan at which a newcomer wants the upload."""
    waits: Callable[[web.Request], bool] = lambda request: socket_holds(request, FLOWING)
    wrap: Callable[[web.Request, Body], Any] = lambda request, body: body
    before_answer: Callable[[Any], Awaitable[dict[str, Any]]] | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)
    body: Watched | None = None
    part: DiskPart | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({"next": request.query_string})
        self.body = Watched(request, self.stop_at)
        source = self.wrap(request, self.body)
        part = self.part = await self.disk.create(new_id())
        try:
            await until(lambda: self.waits(request))
            self.began.set()
            while self.most > part.offset:
                if not await part.receive(source, min(self.at_once, self.most - part.offset)):
                    break
            told = {"size": part.offset, "sha256": await part.digest(), "whole": self.body.whole}
            told |= {"lent": self.body.lent, "loans": self.body.loans}
            if self.before_answer is not None:
                told |= await self.before_answer(source)
            return web.json_response(told)
        finally:
            self.ended.set()  # first: a server that stops cancels more than once
            await asyncio.shield(part.close())


def socket_holds(request: web.Request, count: int) -> bool:
    return request.transport is not None and unread(request.transport.get_extra_info("socket")) >= count


@pytest.fixture
async def taker(tmp_path: Path) -> AsyncIterator[Taker]:
    disk = DiskBlobs(tmp_path, BOOT)
    await disk.open()
    yield Taker(disk)
    await disk.close()


@pytest.fixture
async def anna(taker: Taker) -> AsyncIterator[Program]:
    async with open_house(take=taker.handle) as house, program(house) as anna:
        yield anna


@dataclass
class Line:
    """A connection that sends and hears just what a test says."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, Any]]:
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            return int(head.split()[1]), json.loads(await self.reader.readexactly(length))


@asynccontextmanager
async def posting(anna: Program, size: int, *headers: str) -> AsyncIterator[Line]:
    """A POST whose body of `size` bytes follows."""
    async with anna.line("POST /api/take HTTP/1.1", f"Content-Length: {size}", *headers) as (reader, writer):
        yield Line(reader, writer)


def right(told: dict[str, Any], data: bytes = DATA) -> bool:
    return (told["size"], told["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("at_once", [200_003, 8 * MIB])
async def test_large_body_is_taken_off_the_socket(taker: Taker, anna: Program, at_once: int) -> None:
    taker.at_once = at_once
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA)
        status, told = await line.answer()
    assert (status, told["whole"], right(told)) == (200, True, True)
    assert told["lent"] > len(DATA) // 2


@pytest.mark.parametrize("parser", [http_parser.HttpRequestParser, http_parser.HttpRequestParserPy])
async def test_next_requests_on_the_connection_are_answered(
    taker: Taker, monkeypatch: pytest.MonkeyPatch, parser: Any
) -> None:
    monkeypatch.setattr(web_protocol, "HttpRequestParser", parser)
    monkeypatch.setattr(remainder, "HttpRequestParser", parser)
    following = b"".join(b"GET /api/take?%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(3))
    async with (
        open_house(take=taker.handle) as house,
        program(house) as anna,
        posting(anna, len(DATA)) as line,
    ):
        for _ in range(2):
            await line.send(DATA + following)
            status, told = await line.answer()
            assert (status, told["whole"], right(told), told["lent"] > 0) == (200, True, True, True)
            for number in range(3):
                assert await line.answer() == (200, {"next": str(number)})
            credentials = anna.credentials["Authorization"].encode()
            head = b"POST /api/take HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n" % credentials
            await line.send(head + b"Content-Length: %d\r\n\r\n" % len(DATA))
        line.writer.close()


async def test_last_bytes_may_come_so_slowly_that_the_loop_reads_them(taker: Taker, anna: Program) -> None:
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA[:-3])
        await until(lambda: taker.body and taker.part and taker.part.offset >= len(DATA) - 3)
        for byte in DATA[-3:-1]:
            await line.send(bytes([byte]))
        await line.send(DATA[-1:] + b"GET /api/take?x HTTP/1.1\r\nHost: x\r\n\r\n")
        status, told = await line.answer()
        assert (status, told["whole"], right(told), told["lent"] > 0) == (200, True, True, True)
        assert await line.answer() == (200, {"next": "x"})


async def test_limits_of_a_request_hold_for_the_next_one_too(anna: Program) -> None:
    async with posting(anna, len(DATA)) as line:
        longest = b"x" * (MAX_LINE - 100)
        await line.send(DATA + b"GET /api/take?%s HTTP/1.1\r\nHost: x\r\n\r\n" % longest)
        assert (await line.answer())[1]["lent"] > 0
        assert await line.answer() == (200, {"next": longest.decode()})
        await line.send(b"GET /api/take HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"x" * 9000))
        assert (await line.answer())[0] == 431


async def test_body_that_breaks_off_keeps_each_byte_that_came(taker: Taker, anna: Program) -> None:
    sent = len(DATA) - 12_345
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA[:sent])
        line.writer.write_eof()
        await taker.ended.wait()
    assert taker.body is not None
    assert taker.part is not None
    assert (taker.part.offset, taker.body.whole, taker.body.lent > 0) == (sent, False, True)


async def test_who_is_answered_early_is_heard_out(taker: Taker, anna: Program) -> None:
    taker.most = MIB
    async with posting(anna, len(DATA)) as line:
        sending = asyncio.create_task(line.send(DATA + b"GET /api/take?x HTTP/1.1\r\nHost: x\r\n\r\n"))
        status, told = await line.answer()
        assert (status, told["whole"], right(told, DATA[:MIB])) == (200, False, True)
        assert await line.answer() == (200, {"next": "x"})
        await sending


async def test_stop_calls_the_socket_back(taker: Taker, anna: Program) -> None:
    taker.at_once, taker.stop_at = 200_003, 3
    async with posting(anna, len(DATA)) as line:
        sending = asyncio.create_task(line.send(DATA))
        status, told = await line.answer()
        assert (status, told["whole"], right(told, DATA[: told["size"]])) == (200, False, True)
        assert (told["loans"], told["size"] > 200_003) == (3, True)
        await sending


async def test_what_was_read_before_a_stop_still_comes_out(taker: Taker, anna: Program) -> None:
    def stop_when_read(request: web.Request) -> bool:
        if request.content.total_bytes < 30_000:
            return False
        assert taker.body is not None
        taker.body.stop()
        return True

    taker.waits = stop_when_read
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA[:30_000])
        _, told = await line.answer()
        assert (told["whole"], right(told, DATA[:30_000])) == (False, True)


async def test_server_that_stops_keeps_what_it_took(taker: Taker) -> None:
    async with open_house(take=taker.handle) as house, program(house) as anna, posting(anna, 1 << 30) as line:
        sending = asyncio.create_task(line.send(DATA * 20))
        await until(lambda: taker.body is not None and taker.body.lent > 0)
        await house.server.drain(0.05)
        await taker.ended.wait()
        await asyncio.wait([sending])
        assert isinstance(sending.exception(), OSError)
    assert taker.part is not None
    assert taker.part.offset > FLOWING


@pytest.mark.parametrize("promised", [DATA, b"something else"])
async def test_checksum_is_of_all_bytes_whoever_took_them(
    taker: Taker, anna: Program, promised: bytes
) -> None:
    async def matches(checked: CheckedBody) -> dict[str, Any]:
        return {"matches": await checked.matches()}

    def checked(request: web.Request, body: Body) -> CheckedBody:
        return CheckedBody(body, Checksum("sha1", hashlib.sha1(promised).digest()), request.app[HASHERS])

    taker.wrap, taker.before_answer, taker.at_once = checked, matches, 3 * MIB
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA)
        _, told = await line.answer()
    assert (right(told), told["lent"] > 0, told["matches"]) == (True, True, promised is DATA)


@pytest.mark.parametrize("headers", [{"Upgrade": "h2c"}, {"Content-Encoding": "identity"}], ids=str)
async def test_body_that_may_be_something_else_is_not_lent(
    taker: Taker, anna: Program, headers: dict[str, str]
) -> None:
    async with posting(anna, len(DATA), *(f"{name}: {value}" for name, value in headers.items())) as line:
        await line.send(DATA)
        _, told = await line.answer()
    assert (right(told), told["whole"], told["loans"]) == (True, True, 0)


async def test_nothing_is_lent_under_tls(taker: Taker, anna: Program) -> None:
    def encrypted(request: web.Request) -> bool:
        extra: dict[str, object] = request.transport._extra  # type: ignore[union-attr]
        extra["sslcontext"] = object()
        return socket_holds(request, FLOWING)

    taker.waits = encrypted
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA)
        _, told = await line.answer()
    assert (right(told), told["whole"], told["loans"]) == (True, True, 0)


async def test_body_without_a_length_is_not_lent(taker: Taker, anna: Program) -> None:
    async with anna.line("POST /api/take HTTP/1.1", "Transfer-Encoding: chunked") as (reader, writer):
        line = Line(reader, writer)
        await line.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(DATA), DATA))
        _, told = await line.answer()
    assert (right(told), told["whole"], told["loans"]) == (True, True, 0)


async def test_parser_of_another_kind_leaves_the_body_to_the_loop(
    taker: Taker, anna: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remainder, "HttpRequestParser", ssl.SSLContext)
    async with posting(anna, len(DATA)) as line:
        await line.send(DATA)
        _, told = await line.answer()
    assert (right(told), told["whole"], told["loans"]) == (True, True, 0)


async def test_small_bodies_go_through_the_loop(taker: Taker, anna: Program) -> None:
    taker.waits = lambda request: True
    async with posting(anna, FLOWING - 1) as line:
        await line.send(DATA[: FLOWING - 1])
        _, told = await line.answer()
    assert (right(told, DATA[: FLOWING - 1]), told["whole"], told["loans"]) == (True, True, 0)
