"""The trash over the API."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.services.workshop import sha256
from tests.web.api.asker import Asker, asker
from tests.web.house import open_house
from tests.web.programs import store


async def deleted(root: Asker, path: str, data: bytes) -> Any:
    await store(root.house, path, data)
    return await root.delete(f"/files/{quote(path)}")


async def test_what_was_deleted_stands_in_the_trash_newest_first() -> None:
    async with open_house() as house, asker(house, "root") as root:
        entries = [await deleted(root, f"<i>{number}</i>.txt", b"x" * number) for number in range(3)]
        assert entries[2]["deleted_by"] == "account 3"  # the store in memory has no names
        assert (entries[2]["kind"], entries[2]["size"]) == ("file", 2)
        page = await root.get("/trash?limit=2")
        assert page["trash"] == [entries[2], entries[1]]
        rest = await root.get(f"/trash?cursor={page['next']}")
        assert (rest["trash"], rest["next"]) == ([entries[0]], None)


async def test_path_comes_back_out_of_the_trash() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await deleted(root, "a.txt", b"old")
        await deleted(root, "a.txt", b"new")
        back = await root.post("/restore", {"path": "a.txt"})
        assert (back["path"], back["sha256"]) == ("a.txt", sha256(b"new"))
        (left,) = (await root.get("/trash"))["trash"]
        again = await root.post("/restore", {"trash_id": left["id"]})
        assert (again["path"], again["sha256"]) == ("a_v2.txt", sha256(b"old"))
        assert await root.refused("POST", "/restore", {"path": "a.txt"}) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"version": 1},
        {"path": "a", "trash_id": 1},
        {"trash_id": 1, "version": 1},
        {"path": "a", "version": 0},
    ],
)
async def test_restore_that_names_nothing_or_two_things_is_refused(body: object) -> None:
    async with open_house() as house, asker(house, "root") as root:
        assert await root.refused("POST", "/restore", body) == (400, "bad_request")


async def test_one_entry_or_all_of_the_trash_go_for_good() -> None:
    async with open_house() as house, asker(house, "root") as root:
        first, _ = await deleted(root, "a", b"1"), await deleted(root, "b", b"22")
        assert await root.delete(f"/trash/{first['id']}") == {"bytes": 1}
        assert await root.refused("DELETE", f"/trash/{first['id']}") == (404, "not_found")
        assert await root.delete("/trash") == {"bytes": 2}
        assert (await root.get("/trash"))["trash"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/trash", None),
        ("DELETE", "/trash", None),
        ("DELETE", "/trash/1", None),
        ("POST", "/restore", {"path": "a"}),
    ],
)
async def test_trash_is_for_admins(method: str, path: str, body: object) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused(method, path, body) == (403, "forbidden")
