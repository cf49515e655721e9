"""A download of what was selected: one file as it is, several as one ZIP, and nothing from elsewhere."""

from io import BytesIO
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest

from tests.browser.file_trees import folder, office, put
from tests.web.house import Browser, open_house


async def downloaded(browser: Browser, path: str) -> tuple[int, bytes]:
    async with browser.session.get(browser.url + path, allow_redirects=False) as answer:
        return answer.status, await answer.read()


async def sent(browser: Browser, *paths: str, folder: str = "") -> tuple[int, bytes, str]:
    token = await browser.token("/account/password")
    pairs = [("csrf_token", token), ("folder", folder), *(("path", path) for path in paths)]
    headers = {"Origin": browser.url, "Content-Type": "application/x-www-form-urlencoded"}
    async with browser.session.post(
        browser.url + "/download", data=urlencode(pairs), headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.read(), answer.headers.get("Location", "")


def names(archive: bytes) -> list[str]:
    with ZipFile(BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return opened.namelist()


async def test_chosen_files_and_folders_come_as_one_zip() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await office(house)
        status, body = await downloaded(browser, "/files/?zip&path=report.txt&path=Photos")
        assert status == 200
        assert names(body) == [
            "report.txt",
            "Photos/",
            "Photos/2025/",
            "Photos/2026/",
            "Photos/2026/garden.png",
            "Photos/2026/report of the garden.txt",
        ]
        status, body, _ = await sent(browser, "report.txt", "Photos/2026")
        assert status == 200
        assert "Photos/2026/garden.png" in names(body)


async def test_file_in_a_chosen_folder_comes_once() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a.txt")
        await put(house, "docs/b.txt")
        _, body, _ = await sent(browser, "docs", "docs/a.txt")
        assert names(body) == ["docs/", "docs/a.txt", "docs/b.txt"]


async def test_single_file_comes_as_it_is_and_a_folder_as_its_zip() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a b.txt")
        assert (await sent(browser, "docs/a b.txt", folder="docs"))[::2] == (303, "/files/docs/a%20b.txt")
        assert (await sent(browser, "docs"))[::2] == (303, "/files/docs/?zip=")


@pytest.mark.parametrize("path", ["other/a.txt", "docs", "../a", "docs/../other/a.txt", "doc"])
async def test_nothing_outside_the_folder_comes_with_it(path: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a.txt")
        await put(house, "other/a.txt")
        await folder(house, "doc")
        status, _ = await downloaded(browser, f"/files/docs/?zip&path=docs/a.txt&path={path}")
        assert status == 400


async def test_what_went_away_is_said_before_the_first_byte() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        assert (await sent(browser, "a.txt", "gone.txt"))[0] == 404


async def test_folder_asked_for_in_another_normal_form_has_right_names() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "caf\u00e9/a.txt")
        _, body = await downloaded(browser, "/files/cafe%CC%81/?zip")
        assert names(body) == ["caf\u00e9/a.txt"]
