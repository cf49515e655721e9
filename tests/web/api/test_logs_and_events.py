"""The logs and the audit trail over the API, for admins."""

import json
from pathlib import Path

import pytest

from tests.web.api.asker import asker
from tests.web.house import open_house
from tests.web.programs import store

LINES = [
    {"time": "2026-01-01T00:00:00.000Z", "level": "info", "source": "web", "message": "first"},
    {"time": "2026-01-01T00:00:01.500Z", "level": "warning", "source": "web", "message": "<b>second</b>"},
    {
        "time": "2026-01-01T00:00:02.000Z",
        "level": "info",
        "source": "web",
        "message": "third",
        "account": "anna",
    },
]
NEW_YEAR = 1_767_225_600


def write_log(folder: Path) -> None:
    empty = {"account": "", "address": "", "connection": ""}
    text = "".join(json.dumps({**empty, **line}) + "\n" for line in LINES)
    (folder / "web_server.log").write_text(text)


async def test_lines_are_found_newest_first_with_times_as_numbers(tmp_path: Path) -> None:
    write_log(tmp_path)
    async with open_house(logs=tmp_path) as house, asker(house, "root") as root:
        page = await root.get("/logs?source=web")
        assert [line["message"] for line in page["lines"]] == ["third", "<b>second</b>", "first"]
        assert page["lines"][1]["time"] == NEW_YEAR + 1.5
        assert page["lines"][0]["account"] == "anna"
        for query in ("level=warning", "q=SECOND", f"since={NEW_YEAR + 1}&until={NEW_YEAR + 2}"):
            found = await root.get(f"/logs?source=web&{query}")
            assert [line["message"] for line in found["lines"]] == ["<b>second</b>"], query


async def test_log_comes_page_by_page(tmp_path: Path) -> None:
    write_log(tmp_path)
    async with open_house(logs=tmp_path) as house, asker(house, "root") as root:
        first = await root.get("/logs?source=web&limit=2")
        rest = await root.get(f"/logs?source=web&limit=2&cursor={first['next']}")
        assert [line["message"] for line in first["lines"] + rest["lines"]] == [
            "third",
            "<b>second</b>",
            "first",
        ]


async def test_events_tell_who_did_what_and_whence() -> None:
    async with open_house() as house, asker(house, "root") as root, asker(house) as anna:
        await store(house, "a.txt", b"abc")
        await anna.patch("/files/a.txt", {"path": "b.txt"})
        (event,) = (await root.get("/events?action=move"))["events"]
        assert (event["account"], event["path"], event["outcome"]) == ("anna", "a.txt", "ok")
        assert (event["address"], event["door"]) == ("127.0.0.1", "web")
        assert event["time"] == pytest.approx(house.world.clock() / 1000, abs=60)
        assert (await root.get(f"/events?action=move&until={event['time']}"))["events"] == []
        assert (await root.get(f"/events?action=move&since={event['time']}"))["events"] == [event]


async def test_events_come_page_by_page_and_end() -> None:
    async with open_house() as house, asker(house, "root") as root:
        for number in range(4):
            await root.post("/folders", {"path": f"f{number}"}, 201)
        seen, cursor = [], ""
        while cursor is not None:
            page = await root.get(f"/events?action=mkdir&limit=2&cursor={cursor}")
            seen += [event["path"] for event in page["events"]]
            cursor = page["next"]
        assert seen == ["f3", "f2", "f1", "f0"]


@pytest.mark.parametrize(
    "query",
    [
        "level=loud",
        "source=kernel",
        "since=yesterday",
        "since=nan",
        "until=inf",
        "limit=0",
        "cursor=x",
        "a=b",
    ],
)
async def test_search_that_makes_no_sense_is_refused(query: str, tmp_path: Path) -> None:
    async with open_house(logs=tmp_path) as house, asker(house, "root") as root:
        assert await root.refused("GET", f"/logs?{query}") == (400, "bad_request")
        if not query.startswith(("level", "source")):
            assert await root.refused("GET", f"/events?{query}") == (400, "bad_request")


@pytest.mark.parametrize("path", ["/logs", "/events"])
async def test_logs_and_events_are_for_admins(path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("GET", path) == (403, "forbidden")
