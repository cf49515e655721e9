"""The admin's pages of logs and of the audit trail."""

import re
from pathlib import Path

import pytest

from fileshare.web.texts import size_text
from tests.storage.test_log_files import line, write
from tests.web.house import Browser, open_house

MESSAGE = re.compile(r"<bdi>message (\d+)</bdi>")
EVIL = "<img src=x onerror=alert(1)>"


async def messages(browser: Browser, path: str) -> list[int]:
    status, text, _ = await browser.get(path)
    assert status == 200
    return [int(number) for number in MESSAGE.findall(text)]


async def test_logs_are_filtered_by_what_the_form_says(tmp_path: Path) -> None:
    write(tmp_path, "server.log", line(1), line(2, level="error", account="bert"))
    write(tmp_path, "web_server.log", line(3, source="web"))
    async with open_house(logs=tmp_path) as house, house.browser("root") as browser:
        assert await messages(browser, "/logs") == [3, 2, 1]
        assert await messages(browser, "/logs?source=web&level=&account=&q=&since=&until=") == [3]
        assert await messages(browser, "/logs?level=warning") == [2]
        assert await messages(browser, "/logs?account=bert") == [2]
        assert await messages(browser, "/logs?q=MESSAGE+1") == [1]
        assert await messages(browser, "/logs?since=2026-01-02") == []
        assert await messages(browser, "/logs?until=2026-01-01T00:00&since=2025-01-01") == []


async def test_older_lines_are_a_page_further_with_the_same_filters(tmp_path: Path) -> None:
    write(tmp_path, "server.log", *(line(number) for number in range(250)), line(999, account="bert"))
    async with open_house(logs=tmp_path) as house, house.browser("root") as browser:
        path, found = "/logs?account=anna", []
        while path:
            _, text, _ = await browser.get(path)
            found += [int(number) for number in MESSAGE.findall(text)]
            older = re.search(r'href="(/logs\?[^"]*cursor=[^"]*)"', text)
            path = older[1].replace("&amp;", "&") if older else ""
        assert found == list(range(249, -1, -1))


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=9999999-01-01", "source=x", "level=x", "cursor=x"]
)
async def test_filter_that_can_not_be_is_said_on_the_page(query: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        status, text, _ = await browser.get(f"/logs?{query}")
        assert status == 400
        assert 'role="alert"' in text


async def test_line_can_not_become_a_part_of_the_page(tmp_path: Path) -> None:
    write(tmp_path, "server.log", line(1, message=EVIL, account=EVIL, trace=EVIL, level='x" onclick="'))
    async with open_house(logs=tmp_path) as house, house.browser("root") as browser:
        for path in (
            "/logs",
            f"/logs?q={EVIL}&account={EVIL}&since={EVIL}",
            f"/audit?q={EVIL}&action={EVIL}",
        ):
            _, text, _ = await browser.get(path)
            assert EVIL not in text
            assert '" onclick="' not in text


async def test_whole_log_is_downloaded(tmp_path: Path) -> None:
    write(tmp_path, "web_server.log.1", line(1))
    write(tmp_path, "web_server.log", line(2))
    async with open_house(logs=tmp_path) as house, house.browser("root") as browser:
        status, text, answer = await browser.get("/logs/web/download")
        assert (status, text) == (200, line(1) + line(2))
        assert answer.headers["Content-Disposition"] == 'attachment; filename="fileshare-web.log"'
        assert (await browser.get("/logs/..%2fx/download"))[0] == 400


async def test_audit_trail_is_searched_and_paged() -> None:
    async with open_house() as house, house.browser("root") as browser:
        for number in range(120):
            house.world.shop.audit.note(None, "delete", f"dir/{number}.txt", account="anna", door="tcp")
        _, text, _ = await browser.get("/audit?action=delete&account=anna")
        assert "dir/119.txt" in text
        assert "dir/19.txt" not in text
        older = re.search(r'href="(/audit\?[^"]*before=[^"]*)"', text)
        assert older is not None
        _, text, _ = await browser.get(older[1].replace("&amp;", "&"))
        assert "dir/19.txt" in text
        _, text, _ = await browser.get("/audit?q=19.TXT")
        assert "dir/119.txt" in text
        assert "dir/18.txt" not in text
        _, text, _ = await browser.get("/audit?door=web&action=delete")
        assert "No event matches" in text
        _, text, _ = await browser.get("/audit?door=tcp")
        assert "dir/119.txt" in text
        assert (await browser.get("/audit?before=x"))[0] == 400


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (4_200_000_000, "4.2 GB"),
        (2**63, "9.2 EB"),
    ],
)
def test_sizes_are_said_shortly(size: int, text: str) -> None:
    assert size_text(size) == text


async def test_name_turns_the_reading_of_nothing_beside_it(tmp_path: Path) -> None:
    switched = "invoice\u202egpj.exe"
    write(tmp_path, "server.log", line(1, message=switched, account=switched, trace=switched))
    async with open_house(logs=tmp_path) as house, house.browser("root") as browser:
        house.world.shop.audit.note(None, "delete", switched, detail=switched, account=switched)
        for path in ("/logs", "/audit"):
            _, text, _ = await browser.get(path)
            assert "<bdi>invoice\ufffdgpj.exe</bdi>" in text
            assert "\u202e" not in text
