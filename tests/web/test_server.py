"""The web door as a client meets it, over a real socket on the loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest
from aiohttp import web

from fileshare.web.health import Health
from fileshare.web.keys import WebSettings
from fileshare.web.middleware import STRICT_HEADERS
from fileshare.web.server import WebLimits, WebServer
from tests.web.house import House, open_house


@dataclass
class Door:
    """A running door, and a handler's progress in it."""

    house: House
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return self.house.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def server(self) -> WebServer:
        return self.house.server


@asynccontextmanager
async def opened(limits: WebLimits | None = None) -> AsyncIterator[Door]:
    door: Door

    async def slow(_request: web.Request) -> web.Response:
        door.entered.set()
        await door.release.wait()
        return web.Response(text="done")

    async with open_house(limits=limits, slow=slow) as house:
        door = Door(house)
        yield door


@pytest.mark.parametrize(
    ("health", "status"), [(Health.OK, 200), (Health.DRAINING, 503), (Health.READ_ONLY, 503)]
)
async def test_healthz_tells_whether_the_service_serves(health: Health, status: int) -> None:
    async with opened() as door, aiohttp.ClientSession() as session:
        door.house.health = health
        async with session.get(f"{door.url}/healthz") as answer:
            assert answer.status == status
            assert await answer.json() == {"status": health.value}


async def test_address_without_a_page_leads_to_the_files() -> None:
    async with opened() as door, aiohttp.ClientSession() as session:
        async with session.get(door.url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/files/")


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/static/x/fileshare.css", "/nothing", "/static/../pyproject.toml"]
)
async def test_every_response_carries_the_strict_headers(path: str) -> None:
    async with (
        opened() as door,
        aiohttp.ClientSession() as session,
        session.get(f"{door.url}{path}") as answer,
    ):
        expected = dict(STRICT_HEADERS)
        if answer.status == 200 and path.startswith("/static/"):
            expected["Cache-Control"] = "no-cache"
        assert {name: answer.headers[name] for name in expected} == expected
        assert answer.headers["Server"] == "fileshare"


async def test_strict_transport_is_told_over_tls_alone() -> None:
    """RFC 6797, section 7.2: never in a response over plain HTTP."""
    for public, expected in (("https://files.example", "max-age=31536000; includeSubDomains"), (None, None)):
        async with open_house(WebSettings(public_url=public)) as house, aiohttp.ClientSession() as session:
            async with session.get(f"{house.url}/login", headers={"Host": "files.example"}) as answer:
                assert answer.headers.get("Strict-Transport-Security") == expected


@pytest.mark.parametrize(
    ("host", "public", "sent"),
    [
        ("127.0.0.1:5000", None, True),
        ("localhost", None, True),
        ("[::1]:5000", None, True),
        ("192.168.1.7:5000", None, False),
        ("files.example", None, False),
        ("files.example", "https://files.example", True),
        ("files.example", "http://files.example", False),
    ],
)
async def test_policy_of_openers_is_told_only_where_browsers_heed_it(
    host: str, public: str | None, sent: bool
) -> None:
    async with open_house(WebSettings(public_url=public)) as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/login", headers={"Host": host}) as answer:
            assert ("Cross-Origin-Opener-Policy" in answer.headers) is sent


async def test_static_files_can_not_be_left() -> None:
    async with opened() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /static/../pyproject.toml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_connection_that_never_asks_is_cut(sent: bytes) -> None:
    async with opened(WebLimits(first_request_seconds=0.05)) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_silent_connections_give_way_to_a_newcomer() -> None:
    async with opened(WebLimits(max_silent=3)) as door:
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(3)]
        async with aiohttp.ClientSession() as session, session.get(f"{door.url}/healthz") as answer:
            assert answer.status == 200
        assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()


async def test_connection_that_asked_is_not_counted_as_silent() -> None:
    async with opened(WebLimits(max_silent=1)) as door, aiohttp.ClientSession() as session:
        async with session.get(f"{door.url}/healthz"):
            pass
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        # The session's one connection is still there and is used again.
        async with session.get(f"{door.url}/healthz") as answer:
            assert answer.status == 200
        writer.close()
        await writer.wait_closed()


async def test_drain_lets_a_running_request_end() -> None:
    async with opened() as door, aiohttp.ClientSession() as session:
        asking = asyncio.create_task(session.get(f"{door.url}/api/slow"))
        await door.entered.wait()
        draining = asyncio.create_task(door.server.drain(30))
        await asyncio.sleep(0)
        door.release.set()
        async with await asking as answer:
            assert await answer.text() == "done"
        await draining


async def test_drain_cuts_what_takes_too_long() -> None:
    async with opened() as door, aiohttp.ClientSession() as session:
        asking = asyncio.create_task(session.get(f"{door.url}/api/slow"))
        await door.entered.wait()
        await door.server.drain(0.05)
        with pytest.raises(aiohttp.ClientError):
            await asking


class Leaps:
    """Time that leaps to the next timer whenever nothing else happens."""

    def __init__(self, loop: Any) -> None:
        self.leapt = 0.0
        self._time, self._select = loop.time, loop._selector.select

    def time(self) -> float:
        return float(self._time() + self.leapt)

    def select(self, timeout: float | None) -> Any:
        events = self._select(0.01 if timeout is None else min(timeout, 0.01))
        if not events and timeout is not None:
            self.leapt += timeout
        return events


async def test_drain_takes_no_longer_than_it_may() -> None:
    """It waits for requests to end, and again once they are told to: not twice as long in all."""
    async with opened() as door, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
        asking = asyncio.create_task(session.get(f"{door.url}/api/slow"))
        await door.entered.wait()
        loop: Any = asyncio.get_running_loop()
        leaps = Leaps(loop)
        with patch.object(loop, "time", leaps.time), patch.object(loop._selector, "select", leaps.select):
            await door.server.drain(40)
        with pytest.raises(aiohttp.ClientError):
            await asking
    assert leaps.leapt < 50


async def test_drained_door_accepts_nothing() -> None:
    async with opened() as door:
        await door.server.drain(0.1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", door.port)
