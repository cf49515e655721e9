"""Changes that another site makes a browser ask for, by what they leave behind."""

import aiohttp
import pytest

from fileshare.web.csrf import SAFE_METHODS
from fileshare.web.guards import Open, Row
from fileshare.web.keys import WebSettings
from fileshare.web.routes import TABLE
from tests.web.house import House, open_house
from tests.web.test_identity import basic
from tests.web.test_routes import cookie, path_of

EVIL = {"Origin": "http://evil.example"}


async def names(house: House) -> list[str]:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/api/v1/files", headers=basic("anna")) as answer:
            return [file["name"] for file in (await answer.json())["files"]]


@pytest.mark.parametrize("site", [EVIL, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_browser_that_remembers_basic_is_not_used_by_another_site(site: dict[str, str]) -> None:
    """It sends such credentials by itself, as it does a cookie."""
    async with open_house() as house, aiohttp.ClientSession() as session:
        form = aiohttp.FormData()
        form.add_field("file", b"x", filename="planted.txt")
        headers = {**basic("anna"), **site}
        async with session.post(f"{house.url}/files/", headers=headers, data=form) as answer:
            assert answer.status == 403
        async with session.put(f"{house.url}/files/b", headers=headers, data=b"x") as answer:
            assert answer.status == 403
        assert await names(house) == []


async def test_anonymous_is_not_used_by_another_site_that_brings_credentials() -> None:
    async with open_house(WebSettings(require_auth=False)) as house, aiohttp.ClientSession() as session:
        headers = {"Authorization": "Basic eDp5", **EVIL}
        form = {"path": "", "name": "planted"}
        async with session.post(f"{house.url}/folders", headers=headers, data=form) as answer:
            assert answer.status == 403
        assert await names(house) == []


UNSAFE = [row for row in TABLE if row.method not in SAFE_METHODS and row.needs is not Open.EVERYONE]


@pytest.mark.parametrize("row", UNSAFE, ids=lambda row: f"{row.method} {row.path}")
async def test_no_change_takes_a_cookie_for_consent(row: Row) -> None:
    """Whatever kind of body a form can send, and whether or not the browser tells whence."""
    kinds = (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/plain",
        "application/json",
    )
    async with open_house() as house, aiohttp.ClientSession() as session:
        mine = {**await cookie(house, "root"), "Tus-Resumable": "1.0.0", "Upload-Length": "1"}
        before = len(await house.events())
        for whence in ({}, EVIL, {"Origin": house.url}, {"Referer": f"{house.url}/files/"}):
            for kind in kinds:
                body = b"--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nx\r\n--b--\r\n"
                headers = {**mine, **whence, "Content-Type": kind}
                url = house.url + path_of(row)
                async with session.request(row.method, url, headers=headers, data=body) as answer:
                    assert answer.status in (400, 403), await answer.text()
        assert [
            event.action for event in (await house.events())[: -before or None] if event.outcome == "ok"
        ] == []
