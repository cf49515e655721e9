"""The pages of folders: what is listed, in which order, how it goes on, what is found."""

import re
from html import unescape

import pytest

from fileshare.web.listings import MOST, PAGE
from tests.browser.file_trees import EMOJI, EVIL, HEBREW, LONG, QUOTED, SWITCHED, folder, hostile, office, put
from tests.web.house import Browser, House, open_house

ROW = re.compile(r'name="path" value="([^"]*)"')
MORE = re.compile(r'id="more" href="([^"]*)"')


def rows(text: str) -> list[str]:
    return [unescape(path) for path in ROW.findall(text)]


async def listed(browser: Browser, path: str) -> list[str]:
    status, text, _ = await browser.get(path)
    assert status == 200, text
    return rows(text)


async def numbers(house: House, count: int) -> None:
    for number in range(count):
        await put(house, f"many/file-{number:04}.txt", b"x" * number)


async def test_folders_come_first_then_files_by_name() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await office(house)
        found = await listed(browser, "/files/")
        assert found[:2] == ["Contracts", "Photos"]
        assert found[2:] == sorted(found[2:])
        assert await listed(browser, "/files/Photos/") == ["Photos/2025", "Photos/2026"]


async def test_row_says_size_time_owner_and_digest() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt", b"abc")
        _, text, _ = await browser.get("/files/")
        digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert f'<code data-digest="{digest}">ba7816bf</code>' in text
        assert "3 B" in text
        assert '<time datetime="2023-11-14T' in text
        assert 'href="/files/a.txt" download' in text


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("sort=size&order=desc", "backup.tar.gz"),
        ("sort=size", "empty.bin"),
        ("sort=name&order=desc", "report.txt"),
        ("sort=modified", "report.txt"),
        ("sort=modified&order=desc", "empty.bin"),
    ],
)
async def test_list_is_sorted_both_ways(query: str, first: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await office(house)
        files = [
            path for path in await listed(browser, f"/files/?{query}") if path not in ("Contracts", "Photos")
        ]
        assert files[0] == first


async def test_header_says_the_order_and_offers_the_other() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        _, text, _ = await browser.get("/files/?sort=size&order=desc")
        assert re.search(r'aria-sort="descending"><a href="/files/\?sort=size"', text)
        assert re.search(r'aria-sort="none"><a href="/files/\?sort=modified&amp;order=desc"', text)
        assert re.search(r'aria-sort="none"><a href="/files/"', text)


async def test_page_goes_on_where_it_ended_and_its_address_holds_all() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await numbers(house, PAGE + 7)
        _, text, _ = await browser.get("/files/many/")
        assert len(rows(text)) == PAGE
        more = MORE.search(text)
        assert more is not None
        _, text, _ = await browser.get(unescape(more[1]))
        assert len(rows(text)) == PAGE + 7
        assert MORE.search(text) is None


async def test_very_long_folder_goes_on_with_a_next_page() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await numbers(house, MOST + 3)
        _, text, _ = await browser.get(f"/files/many/?shown={MOST}&sort=size&order=desc")
        seen = rows(text)
        more = MORE.search(text)
        assert len(seen) == MOST
        assert more is not None
        _, text, _ = await browser.get(unescape(more[1]))
        assert seen + rows(text) == [f"many/file-{n:04}.txt" for n in reversed(range(MOST + 3))]
        assert 'href="/files/many/?sort=size&amp;order=desc">First page' in text


@pytest.mark.parametrize("shown", ["-1", "0", "x", "9" * 30, "١٢", ""])
async def test_nobody_gets_a_page_of_another_length(shown: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await numbers(house, PAGE + 1)
        assert len(await listed(browser, f"/files/many/?shown={shown}")) == PAGE


@pytest.mark.parametrize("query", ["cursor=x", "sort=owner", "q=" + "x" * 300, "cursor=WzAsMV0"])
async def test_what_no_page_asks_for_is_refused_on_the_page_itself(query: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        status, text, _ = await browser.get(f"/files/?{query}")
        assert status == 400
        assert 'role="alert"' in text
        assert 'id="search"' in text


async def test_search_finds_below_the_folder_and_says_where() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await office(house)
        assert await listed(browser, "/files/?q=REPORT") == [
            "Photos/2026/report of the garden.txt",
            "report.txt",
        ]
        _, text, _ = await browser.get("/files/?q=report")
        assert 'class="where" href="/files/Photos/2026/"' in text
        assert await listed(browser, "/files/Photos/?q=report") == ["Photos/2026/report of the garden.txt"]


async def test_search_without_hits_says_what_to_do() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await office(house)
        _, text, _ = await browser.get("/files/Photos/?q=nowhere")
        assert 'href="/files/?q=nowhere">Search all files' in text
        assert 'href="/files/Photos/">Show the folder' in text


async def test_empty_folder_says_what_to_do() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        _, text, _ = await browser.get("/files/")
        assert "There are no files yet." in text
        assert "Drop files" in text


async def test_page_carries_what_the_upload_queue_needs() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await folder(house, "a & b")
        _, text, _ = await browser.get("/files/a%20&%20b/")
        assert 'id="files"' in text
        assert 'data-folder="a &amp; b"' in text
        assert 'data-upload-url="/tus/"' in text
        assert "data-may-upload" in text
        assert '<form id="upload-form"' in text
        assert 'action="/files/a%20%26%20b/"' in text
        assert 'id="choose-files"' in text
        assert 'id="choose-folder"' in text


@pytest.mark.parametrize("name", [EVIL, LONG, HEBREW, EMOJI, SWITCHED, QUOTED, "x" * 255])
async def test_hostile_name_is_text_everywhere(name: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, name)
        for path in ("/files/", "/files/?q=" + "%20".join(name[:3].split()), "/files/?sort=size"):
            _, text, _ = await browser.get(path)
            assert "<img" not in text
            assert "\u202e" not in re.sub(r'value="[^"]*"', "", text)
        assert name in await listed(browser, "/files/")


async def test_hostile_names_of_folders_are_text_in_titles_and_breadcrumbs() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await hostile(house)
        await folder(house, f"{EVIL}2/{EVIL}")
        _, text, _ = await browser.get(
            "/files/%3Cimg%20src=x%20onerror=alert(1)%3E.txt2/%3Cimg%20src=x%20onerror=alert(1)%3E.txt/"
        )
        assert "<img" not in text
        assert "&lt;img src=x onerror=alert(1)&gt;.txt2" in text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/files/gone/", 404), ("/files/..%2f/", 400), ("/files/a%00b/", 400), ("/files/%ff/", 400)],
)
async def test_folder_that_there_is_not_is_said_as_a_page(path: str, status: int) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        answered, _, answer = await browser.get(path)
        assert answered == status
        assert answer.content_type == "text/html"


async def test_file_asked_for_as_a_folder_leads_to_its_page() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        status, _, answer = await browser.get("/files/a.txt/")
        assert (status, answer.headers["Location"]) == (303, "/files/a.txt?details")


async def test_page_is_compressed_and_nobodys_cache_keeps_it() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await numbers(house, PAGE)
        _, text, answer = await browser.get("/files/many/", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == "no-store"
        assert len(rows(text)) == PAGE
