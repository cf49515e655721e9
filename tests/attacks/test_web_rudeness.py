"""Connections that are silent, slow or unread on purpose: a good one beside them is served."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web

from fileshare.services.room import Room
from fileshare.web.keys import WebSettings
from fileshare.web.server import WebLimits
from tests.web.house import House, open_house
from tests.web.test_identity import basic

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PATIENCE = 30
"""Seconds for what must happen at once."""
BEHIND_PROXY = WebSettings(trusted_proxies=(ip_network("127.0.0.1"),))
ASK = b"GET /healthz HTTP/1.1\r\nHost: a\r\n%b\r\n"


@asynccontextmanager
async def line_to(house: House, sent: bytes = b"", whence: str = "127.0.0.1") -> AsyncIterator[Line]:
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(whence, 0))
    writer.write(sent)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def healthy(line: Line, header: bytes = b"") -> bool:
    """Whether the line answers."""
    reader, writer = line
    writer.write(ASK % header)
    async with asyncio.timeout(PATIENCE):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b'{"status": "ok"}'))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
    return b" 200 " in head


async def ended(line: Line) -> bytes:
    """What came until the end of the line."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await line[0].read()
        except ConnectionError:
            return b""


async def test_thousand_rude_connections_of_one_address_leave_room_for_a_good_one() -> None:
    heads = (b"", b"G", ASK[:20], b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    async with open_house() as house, AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        for number in range(1000):
            await stack.enter_async_context(line_to(house, heads[number % len(heads)]))
        async with session.put(f"{house.url}/files/a", data=b"x" * 100_000, headers=basic("anna")) as answer:
            assert answer.status == 201
        async with session.get(f"{house.url}/files/a", headers=basic("anna")) as answer:
            assert len(await answer.read()) == 100_000


async def test_silent_connections_of_one_address_give_way_and_others_stay() -> None:
    async with (
        open_house(limits=WebLimits(max_silent_per_address=2, moment=0)) as house,
        line_to(house, whence="127.0.0.2") as other,
        line_to(house) as oldest,
        line_to(house) as second,
        line_to(house) as newest,
    ):
        assert await ended(oldest) == b""
        for line in (other, second, newest):
            assert await healthy(line)


async def test_connection_that_asked_without_a_login_gives_way_too() -> None:
    async with open_house(limits=WebLimits(max_silent_per_address=2, moment=0.1)) as house:
        async with line_to(house) as oldest, line_to(house) as second, line_to(house) as newest:
            for line in (oldest, second, newest):
                assert await healthy(line)
            assert await ended(oldest) == b""


async def test_connection_that_has_logged_in_never_gives_way_to_strangers() -> None:
    async with open_house(limits=WebLimits(max_silent=2, max_silent_per_address=1, moment=0)) as house:
        async with line_to(house) as known, AsyncExitStack() as stack:
            known[1].write(
                b"GET /api/v1/files?limit=1 HTTP/1.1\r\nHost: a\r\nAuthorization: %b\r\n\r\n"
                % basic("anna")["Authorization"].encode()
            )
            assert b" 200 " in await known[0].readuntil(b"\r\n\r\n")
            lines = [await stack.enter_async_context(line_to(house)) for _ in range(5)]
            for line in lines[:-1]:
                assert await ended(line) == b""
            known[1].write(ASK % b"")
            assert b" 200 " in await known[0].readuntil(b"ok")


async def test_proxy_waits_for_all_its_callers_on_as_many_connections_as_it_likes() -> None:
    limits = WebLimits(max_silent=2, max_silent_per_address=1, moment=0)
    async with open_house(BEHIND_PROXY, limits) as house, AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(line_to(house)) for _ in range(5)]
        for line in lines:
            assert await healthy(line, b"X-Forwarded-For: 192.0.2.1\r\n")


async def test_when_all_places_are_taken_the_oldest_that_waits_gives_way() -> None:
    async with open_house(limits=WebLimits(room=Room(2), moment=0)) as house:
        async with line_to(house) as oldest, line_to(house) as second, line_to(house) as newest:
            assert await ended(oldest) == b""
            assert await healthy(second)
            assert await healthy(newest)


async def test_when_all_places_ask_the_address_that_has_most_gives_way() -> None:
    entered, release = asyncio.Queue[None](), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.put_nowait(None)
        await release.wait()
        return web.Response(text="done")

    ask = b"GET /api/slow HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %b\r\n\r\n"
    async with open_house(BEHIND_PROXY, WebLimits(room=Room(6)), slow=slow) as house:
        async with (
            line_to(house, ask % b"192.0.2.1") as good,
            line_to(house, ask % b"192.0.2.2") as rude,
            line_to(house, ask % b"192.0.2.2") as second,
        ):
            for _ in range(3):
                await entered.get()
            async with line_to(house, ask % b"192.0.2.3") as newest:
                assert await ended(rude) == b""
                await entered.get()
                release.set()
                for line in (good, second, newest):
                    assert await line[0].readuntil(b"done")


async def test_when_all_who_ask_are_known_a_newcomer_is_told_so() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await release.wait()
        return web.Response(text="done")

    known = f"Authorization: {basic('anna')['Authorization']}\r\n\r\n".encode()
    async with open_house(limits=WebLimits(room=Room(2)), slow=slow) as house:
        async with line_to(house, b"GET /api/slow HTTP/1.1\r\nHost: a\r\n" + known) as good:
            await entered.wait()
            async with line_to(house) as newest:
                answer = await ended(newest)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "unavailable"
            release.set()
            assert await good[0].readuntil(b"done")


async def test_head_that_drips_is_cut_on_a_used_connection_too() -> None:
    async with open_house(limits=WebLimits(first_request_seconds=0.2)) as house, line_to(house) as line:
        assert await healthy(line)
        line[1].write(b"GET /healthz HTTP/1.1\r\n")
        assert await ended(line) == b""


@pytest.mark.parametrize(
    ("request_line", "kind"),
    [
        ("PUT /files/a", "application/octet-stream"),
        ("POST /files/", "multipart/form-data; boundary=b"),
        ("POST /folders", "application/x-www-form-urlencoded"),
        ("POST /api/v1/folders", "application/json"),
    ],
)
async def test_body_that_drips_ends_in_one_answer(request_line: str, kind: str) -> None:
    head = (
        f"{request_line} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n"
        f"Authorization: {basic('anna')['Authorization']}\r\n\r\n"
    )
    settings, limits = WebSettings(require_auth=False), WebLimits(stall_seconds=0.2)
    async with open_house(settings, limits) as house, line_to(house, head.encode()) as line:

        async def drip() -> None:
            with suppress(ConnectionError):
                while True:
                    line[1].write(b"x")
                    await line[1].drain()
                    await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(PATIENCE):
            told = await line[0].readuntil(b"\r\n\r\n")
            body = await line[0].readuntil(b"}}")
        dripping.cancel()
        assert told.startswith(b"HTTP/1.1 408 "), told
        assert json.loads(body)["error"]["code"] == "too_slow"
        assert await house.world.catalog.uploads() == []


async def test_client_that_waits_to_be_asked_for_its_body_is_not_slow() -> None:
    async def thinks_first(request: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(text=str(request.content.exception()))

    async with open_house(limits=WebLimits(stall_seconds=0.02), thinks=thinks_first) as house:
        head = b"POST /api/thinks HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        async with line_to(house, head) as line:
            assert await line[0].readuntil(b"None")


async def test_answer_that_nobody_reads_is_cut() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(32 << 20))

    async with open_house(limits=WebLimits(stall_seconds=0.2), endless=endless) as house:
        with socket.create_connection(("127.0.0.1", int(house.url.rpartition(":")[2]))) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"GET /api/endless HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                while not house.server.connections:
                    await asyncio.sleep(0.01)
                while house.server.connections:
                    await asyncio.sleep(0.01)
