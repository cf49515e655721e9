"""What the log says of a request, and of whom."""

import logging
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web

from fileshare.logs import JsonLine, ToQueue
from tests.web.house import open_house


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines of the web's log as they would be written."""
    found: list[str] = []

    class Kept(ToQueue):
        def enqueue(self, record: logging.LogRecord) -> None:
            found.append(JsonLine().format(record))

    handler, log = Kept(), logging.getLogger("fileshare.web")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.removeHandler(handler)
    log.setLevel(level)


async def test_line_says_who_asked_for_what_and_not_what_they_searched(lines: list[str]) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        lines.clear()
        await browser.get("/account?q=secret")
        (line,) = lines
        assert '"message": "GET /account 200 in ' in line
        assert '"account": "anna", "address": "127.0.0.1"' in line
        assert "secret" not in line


async def test_crash_is_logged_with_who_met_it(lines: list[str]) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("broken")

    async with open_house(fail=fail) as house, house.browser("anna") as browser:
        lines.clear()
        await browser.get("/api/fail")
        crash, request = lines
        assert '"account": "anna"' in crash
        assert "RuntimeError: broken" in crash
        assert "GET /api/fail 500" in request


async def test_line_can_not_be_forged_by_a_path(lines: list[str]) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/x%0A%7B%22level%22:%22error%22%7D%E2%80%AE"):
            pass
        (line,) = lines
        assert "\n" not in line
        assert line.isascii()


async def test_machines_questions_and_static_files_are_not_noted(lines: list[str]) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        for path in ("/healthz", "/static/x/fileshare.css"):
            async with session.get(house.url + path):
                pass
        assert lines == []
