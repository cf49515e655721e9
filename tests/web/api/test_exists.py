"""Which of many paths are taken, asked before an upload."""

import unicodedata

import pytest

from tests.services.workshop import sha256
from tests.web.api.asker import asker
from tests.web.house import open_house
from tests.web.programs import store

HOSTILE = "<img src=x onerror=alert(1)>.txt"


async def test_taken_paths_are_told_with_digest_and_size_in_the_order_asked() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "docs/a.txt", b"abc")
        await store(house, HOSTILE, b"")
        answer = await anna.post("/files/exists", {"paths": [HOSTILE, "none", "docs", "docs/a.txt"]})
        assert answer == {
            "files": [
                {"path": HOSTILE, "kind": "file", "size": 0, "sha256": sha256(b"")},
                {"path": "docs", "kind": "folder", "size": None, "sha256": None},
                {"path": "docs/a.txt", "kind": "file", "size": 3, "sha256": sha256(b"abc")},
            ]
        }


async def test_path_comes_back_as_it_was_written_in_whatever_normal_form() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "é.txt", b"abc")
        decomposed = unicodedata.normalize("NFD", "é.txt")
        (found,) = (await anna.post("/files/exists", {"paths": [decomposed]}))["files"]
        assert found["path"] == decomposed


@pytest.mark.parametrize("path", ["..", "a/../b", "a//b", "a\0b", "a\\b", "x" * 5000, "docs/a.txt/b"])
async def test_path_that_can_not_be_is_not_taken_and_spoils_no_other(path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "docs/a.txt", b"abc")
        answer = await anna.post("/files/exists", {"paths": [path, "docs/a.txt"]})
        assert [one["path"] for one in answer["files"]] == ["docs/a.txt"]


async def test_thousand_paths_are_answered_and_one_more_is_refused() -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.post("/files/exists", {"paths": ["a"] * 1000}) == {"files": []}
        assert await anna.refused("POST", "/files/exists", {"paths": ["a"] * 1001}) == (400, "bad_request")
