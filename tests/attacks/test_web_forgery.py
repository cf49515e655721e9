"""Changes that another site makes a browser ask for, by what they leave behind."""

import aiohttp
import pytest

from fileshare.web.keys import WebSettings
from tests.web.house import House, open_house
from tests.web.test_identity import basic

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
