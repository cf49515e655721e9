"""The page of one file: what is known of it, its versions, and a look at what is in it."""

import re
from urllib.parse import quote

import pytest

from fileshare.web.previews import TEXT_LIMIT, Shown, decode, is_text
from tests.browser.file_trees import EVIL, HEBREW, LONG, QUOTED, SVG, SWITCHED, png, put, wav
from tests.web.house import Browser, open_house


async def page_of(browser: Browser, path: str) -> str:
    status, text, answer = await browser.get(path)
    assert status == 200, text
    assert answer.content_type == "text/html"
    return text


async def test_page_says_all_that_is_known() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a.txt", b"abc" * 1000)
        text = await page_of(browser, "/files/docs/a.txt?details")
        assert re.search(r"<code>[0-9a-f]{64}</code>", text)
        assert "3.0 kB" in text
        assert "3,000 bytes" in text
        assert "account 1" in text
        assert 'href="/files/docs/"' in text


async def test_every_version_can_be_seen_and_downloaded() -> None:
    async with open_house() as house, house.browser("root") as browser:
        for data in (b"first draft", b"second draft"):
            await put(house, "a.txt", data, replace=True)
        text = await page_of(browser, "/files/a.txt?details")
        assert "second draft" in text
        assert 'href="/files/a.txt?version=1" download' in text
        assert 'href="/files/a.txt?details&amp;version=1"' in text
        assert text.count('action="/restore"') == 1
        text = await page_of(browser, "/files/a.txt?details&version=1")
        assert "first draft" in text
        assert "an older one" in text
        assert (await browser.get("/files/a.txt?details&version=7"))[0] == 404
        assert (await browser.get("/files/a.txt?details&version=x"))[0] == 400


@pytest.mark.parametrize(
    ("name", "data", "shown"),
    [
        ("a.png", png(4, 4), '<img src="/files/a.png?inline=1&amp;version=1"'),
        ("a.svg", SVG, '<img src="/files/a.svg?inline=1&amp;version=1"'),
        ("a.wav", wav(1), '<audio src="/files/a.wav?inline=1&amp;version=1" controls'),
        ("a.mp4", b"\0" * 100, '<video src="/files/a.mp4?inline=1&amp;version=1" controls'),
        ("a.md", b"# Title", "# Title</pre>"),
        ("Makefile", b"all:\n\techo", "all:\n\techo</pre>"),
        ("page.html", b"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;</pre>"),
        ("a.pdf", b"%PDF-1.7", "it is not shown inside this page"),
        ("a.zip", b"PK", "no preview of this kind"),
        ("a.bin", b"\0\1\2", "no preview of this kind"),
        ("a.txt", b"", "The file is empty."),
    ],
)
async def test_each_kind_is_shown_as_what_can_run_nothing(name: str, data: bytes, shown: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, name, data)
        text = await page_of(browser, f"/files/{name}?details")
        assert shown in text
        for element in ("<script>", "<iframe", "<object", "<embed", "<svg xmlns"):
            assert element not in text


async def test_what_a_preview_loads_is_boxed_in() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.svg", SVG)
        _, _, answer = await browser.get("/files/a.svg?inline=1&version=1")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        await put(house, "a.html", b"<script>alert(1)</script>")
        _, _, answer = await browser.get("/files/a.html?inline=1")
        assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_long_text_is_cut_and_says_so() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.log", ("é" * TEXT_LIMIT).encode())
        text = await page_of(browser, "/files/a.log?details")
        assert "This is the first MiB." in text
        assert text.count("é") == TEXT_LIMIT // 2


@pytest.mark.parametrize("name", [EVIL, LONG, HEBREW, SWITCHED, QUOTED, "x" * 255])
async def test_hostile_name_and_text_are_text(name: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, name, b"</pre><img src=x onerror=alert(1)>")
        text = await page_of(browser, f"/files/{quote(name)}?details")
        assert "<img" not in text
        assert "\u202e" not in re.sub(r'(data-path|value)="[^"]*"', "", text)


async def test_damaged_file_has_a_page_that_says_so() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt", b"x" * 5000)
        house.world.blobs.stored.clear()
        text = await page_of(browser, "/files/a.txt?details")
        assert "damaged" in text


async def test_folder_asked_for_its_details_is_its_page() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a.txt")
        status, _, answer = await browser.get("/files/docs?details")
        assert (status, answer.headers["Location"]) == (303, "/files/docs/")


@pytest.mark.parametrize("path", ["/files/gone.txt?details", "/files/a/b/c?details"])
async def test_file_that_there_is_not_says_what_to_do(path: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        status, text, _ = await browser.get(path)
        assert status == 404
        assert "Look in the folder above" in text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("żółć".encode(), "żółć"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("wide é".encode("utf-16"), "wide é"),
        (b"caf\xe9", "café"),
        (b"\xff\xfeo", "�"),
        (b"", ""),
    ],
)
def test_text_is_read_in_whatever_it_is_written(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_character_that_was_cut_in_two_is_left_out() -> None:
    assert decode("żółć".encode()[:-1], cut=True) == "żół"
    assert is_text("żółć".encode()[:-1], cut=True)


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"text\n\tmore\x1b[0m", True),
        ("wide".encode("utf-16"), True),
        (b"\x7fELF\0", False),
        (b"caf\xe9 x", False),
    ],
)
def test_what_has_no_known_name_is_text_only_when_it_is_certain(data: bytes, is_one: bool) -> None:
    assert is_text(data) is is_one


def test_kinds_of_preview_are_what_the_template_knows() -> None:
    assert {shown.value for shown in Shown} == {"image", "audio", "video", "text", "pdf", "nothing"}
