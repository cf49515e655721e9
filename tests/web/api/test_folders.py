"""New folders over the API."""

import pytest

from tests.web.api.asker import asker
from tests.web.house import open_house
from tests.web.programs import store


async def test_folder_is_made_with_those_above_it_and_again_without_harm() -> None:
    async with open_house() as house, asker(house) as anna:
        made = await anna.post("/folders", {"path": "a/b/c"}, 201)
        assert (made["path"], made["name"], made["kind"]) == ("a/b/c", "c", "folder")
        assert await anna.post("/folders", {"path": "a/b/c"}, 201) == made
        assert [one["path"] for one in (await anna.get("/files?path=a"))["files"]] == ["a/b"]


async def test_folder_where_a_file_stands_is_a_conflict() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        assert await anna.refused("POST", "/folders", {"path": "a"}) == (409, "conflict")
        assert await anna.refused("POST", "/folders", {"path": "a/b"}) == (409, "conflict")


@pytest.mark.parametrize("path", ["", "/", "..", "a/", "/a", "a\nb", "a\\b", "x" * 256, "a/" * 3000 + "b"])
async def test_folder_of_a_name_that_can_not_be_is_refused(path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("POST", "/folders", {"path": path}) == (400, "bad_name")
