"""Versions over the API, and taking them back."""

from urllib.parse import quote

from tests.services.workshop import sha256
from tests.web.api.asker import asker
from tests.web.house import open_house
from tests.web.programs import store

NAME = "<b>docs</b>/ré & sumé.txt"


async def test_versions_come_newest_first_and_page_by_page() -> None:
    async with open_house() as house, asker(house) as anna:
        for text in (b"one", b"two", b"three"):
            await store(house, NAME, text, modified=1_600_000_000_000)
        url = f"/versions/{quote(NAME)}"
        first = await anna.get(f"{url}?limit=2")
        assert [one["number"] for one in first["versions"]] == [3, 2]
        assert first["versions"][0]["sha256"] == sha256(b"three")
        assert first["versions"][0]["size"] == 5
        assert first["versions"][0]["modified"] == 1_600_000_000
        rest = await anna.get(f"{url}?limit=2&cursor={first['next']}")
        assert [one["number"] for one in rest["versions"]] == [1]
        assert rest["next"] is None


async def test_folder_and_nothing_have_no_versions() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "docs/a", b"a")
        assert await anna.refused("GET", "/versions/docs") == (409, "conflict")
        assert await anna.refused("GET", "/versions/none") == (404, "not_found")


async def test_admin_makes_an_old_version_the_newest_and_nothing_is_lost() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, NAME, b"one")
        await store(house, NAME, b"two")
        restored = await root.post("/restore", {"path": NAME, "version": 1})
        assert (restored["version"], restored["sha256"]) == (3, sha256(b"one"))
        assert await root.refused("POST", "/restore", {"path": NAME, "version": 9}) == (404, "not_found")


async def test_user_restores_nothing() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        assert await anna.refused("POST", "/restore", {"path": "a", "version": 1}) == (403, "forbidden")
