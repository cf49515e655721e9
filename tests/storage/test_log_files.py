"""Logs searched from their end: filters, pages, rotation, lines that are none."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from fileshare.domain.model import Caller, Role
from fileshare.errors import BadRequest, Forbidden
from fileshare.services.logbook import Logbook, LogQuery
from fileshare.storage import log_files
from fileshare.storage.log_files import LogFiles
from tests.services.town import Town
from tests.services.workshop import ADMIN, ANNA, account

ALL = LogQuery(limit=100)


def line(number: int, **changes: Any) -> str:
    told = {
        "time": f"2026-01-01T00:00:{number // 10:02}.{number % 10:03}Z",
        "level": "info",
        "source": "server",
        "message": f"message {number}",
        "account": "anna",
        "address": "192.0.2.1",
        "connection": "c1",
        **changes,
    }
    return json.dumps(told) + "\n"


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("".join(lines))


def logbook(folder: Path) -> Logbook:
    return Logbook(LogFiles(folder), Town().audit)


async def found(folder: Path, query: LogQuery = ALL) -> list[str]:
    page = await logbook(folder).search(ADMIN, query)
    return [line.message.removeprefix("message ") for line in page.lines]


async def all_pages(folder: Path, query: LogQuery) -> list[str]:
    messages: list[str] = []
    while True:
        page = await logbook(folder).search(ADMIN, query)
        messages += [line.message.removeprefix("message ") for line in page.lines]
        if page.next is None:
            return messages
        query = replace(query, cursor=page.next)


async def test_newest_line_of_all_logs_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "server.log", line(1), line(4))
    write(tmp_path, "web_server.log", line(2, source="web"), line(5, source="web"))
    write(tmp_path, "database.log", line(3, source="database"))
    assert await found(tmp_path) == ["5", "4", "3", "2", "1"]
    assert await found(tmp_path, replace(ALL, source="web")) == ["5", "2"]


async def test_no_logs_yet_is_no_failure(tmp_path: Path) -> None:
    assert await found(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"level": "warning"}, ["3", "2"]),
        ({"level": "error"}, ["3"]),
        ({"account": "BERT"}, ["2"]),
        ({"account": "ber"}, []),
        ({"text": "MESSAGE 4"}, ["4"]),
        ({"text": "traceback"}, ["3"]),
        ({"text": "größe"}, ["1"]),
        ({"text": "203.0.113"}, ["2"]),
        ({"since": 1767225600003}, ["4", "3"]),
        ({"until": 1767225600003}, ["2", "Größe"]),
        ({"since": 1767225600002, "until": 1767225600003}, ["2"]),
        ({"since": 10**18}, []),
        ({"until": -5}, ["4", "3", "2", "Größe"]),
    ],
)
async def test_filters_all_count(tmp_path: Path, query: dict[str, Any], expected: list[str]) -> None:
    write(
        tmp_path,
        "server.log",
        line(1, message="Größe"),
        line(2, level="warning", account="Bert", address="203.0.113.7"),
        line(3, level="error", trace="Traceback: x"),
        line(4),
    )
    answer = await found(tmp_path, replace(ALL, **query))
    assert answer == (["Größe"] if expected == ["1"] else expected)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_join_without_a_gap_or_a_repeat(tmp_path: Path, limit: int) -> None:
    same = [line(number, time="2026-01-01T00:00:00.005Z") for number in range(8)]
    write(tmp_path, "server.log.1", line(1), *same[:4])
    write(tmp_path, "server.log", *same[4:], line(9))
    write(tmp_path, "web_server.log", line(5, message="web", source="web"))
    messages = await all_pages(tmp_path, LogQuery(limit=limit))
    assert len(messages) == 11
    assert set(messages) == {*map(str, range(8)), "9", "web"}
    assert messages[0] == "9"
    assert messages[-1] == "1"


async def test_pages_join_although_lines_come_and_the_log_is_rotated(tmp_path: Path) -> None:
    write(tmp_path, "server.log", *(line(number) for number in range(6)))
    first = await logbook(tmp_path).search(ADMIN, LogQuery(limit=3))
    (tmp_path / "server.log").rename(tmp_path / "server.log.1")
    write(tmp_path, "server.log", line(9))
    assert await found(tmp_path, LogQuery(limit=3, cursor=first.next)) == ["2", "1", "0"]


async def test_rare_lines_are_found_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MAX_LOOKED_AT", 10)
    write(tmp_path, "server.log", *(line(number) for number in range(35)))
    first = await logbook(tmp_path).search(ADMIN, LogQuery(limit=5, text="message 3"))
    assert first.next is not None
    assert sorted(await all_pages(tmp_path, LogQuery(limit=5, text="message 3"))) == [
        *("3", "30", "31", "32", "33", "34")
    ]


async def test_what_is_no_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_bytes(
        line(1).encode() + b"{half\n\n\xff\xfe\n[]\n{}\n" + line(2).encode() + line(3).encode()[:-20]
    )
    assert await found(tmp_path) == ["2", "1"]


async def test_lines_longer_than_a_block_are_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "BLOCK", 7)
    write(tmp_path, "server.log", line(1), line(2), line(3))
    assert await found(tmp_path) == ["3", "2", "1"]


async def test_whole_log_is_given_with_the_oldest_line_first(tmp_path: Path) -> None:
    write(tmp_path, "web_server.log.2", "a\n")
    write(tmp_path, "web_server.log.1", "b\n")
    write(tmp_path, "web_server.log", "c\n")
    assert b"".join([block async for block in logbook(tmp_path).raw(ADMIN, "web")]) == b"a\nb\nc\n"


@pytest.mark.parametrize(
    "query",
    [
        {"source": "../../etc/passwd"},
        {"level": "loud"},
        {"limit": 0},
        {"limit": 1001},
        {"cursor": ""},
        {"cursor": "x"},
        {"cursor": "2026-01-01T00:00:00.000Z.99999999999999999999"},
    ],
)
async def test_query_that_can_not_be_is_refused(tmp_path: Path, query: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        await logbook(tmp_path).search(ADMIN, replace(ALL, **query))


async def test_only_an_admin_reads_logs_and_the_refusal_is_noted(tmp_path: Path) -> None:
    town = Town()
    book = Logbook(LogFiles(tmp_path), town.audit)
    disabled: Sequence[Caller] = (
        ANNA,
        structs.replace(ADMIN, account=structs.replace(account(9, Role.ADMIN), enabled=False)),
    )
    for caller in disabled:
        with pytest.raises(Forbidden):
            await book.search(caller, ALL)
        with pytest.raises(Forbidden):
            book.raw(caller, "web")
    assert {event.outcome for event in await town.events()} == {"denied"}
    with pytest.raises(BadRequest):
        book.raw(ADMIN, "../x")


async def test_many_searches_leave_no_file_open(tmp_path: Path) -> None:
    write(tmp_path, "server.log", line(1))
    await asyncio.gather(*(found(tmp_path) for _ in range(20)))
