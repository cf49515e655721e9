"""Files and folders over the API: listed, searched, looked at, moved, deleted; also by hostile names."""

from urllib.parse import quote

import pytest

from tests.services.workshop import sha256
from tests.web.api.asker import API, asker, failure
from tests.web.house import open_house
from tests.web.programs import store

HOSTILE = [
    "<img src=x onerror=alert(1)>.txt",
    "a?b#c%d&e=f;g+h i.txt",
    "100%25.txt",
    "{x}.txt",
    "..hidden",
    "exists",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "日本語 файл é.txt",
    "\"quoted\" 'name'.txt",
    "CON",
    "trailing dot.",
    "x" * 251 + ".txt",
    "/".join(["ñ" * 127] * 15),
]


def url(path: str) -> str:
    return f"/files/{quote(path, safe='/')}"


async def test_folder_is_listed_with_all_that_is_known_of_each_file() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "docs/a.txt", b"abc", modified=1_600_000_000_500)
        await store(house, "docs/sub/b.txt", b"")
        answer = await anna.get("/files?path=docs")
        folder, file = answer["files"]
        assert answer["next"] is None
        assert file == {
            "path": "docs/a.txt",
            "name": "a.txt",
            "kind": "file",
            "size": 3,
            "modified": 1_600_000_000.5,
            "sha256": sha256(b"abc"),
            "version": 1,
            "owner": "account 1",  # what the store in memory calls its accounts
        }
        assert (folder["path"], folder["kind"]) == ("docs/sub", "folder")
        assert (folder["size"], folder["sha256"], folder["version"], folder["owner"]) == (None,) * 4
        assert await anna.get("/files?path=docs/") == answer


async def test_pages_sorts_and_searches_give_every_entry_once() -> None:
    async with open_house() as house, asker(house) as anna:
        for number in range(7):
            await store(house, f"f{number}.bin", b"x" * (number * 3 % 7))
        seen, cursor = [], ""
        while cursor is not None:
            page = await anna.get(f"/files?limit=3&sort=size&order=desc&cursor={cursor}")
            seen += [entry["size"] for entry in page["files"]]
            cursor = page["next"]
        assert seen == [6, 5, 4, 3, 2, 1, 0]
        found = await anna.get("/files?q=F3")
        assert [entry["path"] for entry in found["files"]] == ["f3.bin"]


@pytest.mark.parametrize("path", HOSTILE)
async def test_any_name_is_looked_at_moved_and_deleted_as_it_is(path: str) -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, path, b"abc")
        assert (await root.get(url(path)))["path"] == path
        (listed,) = (await root.get(f"/files?path=&q={quote(path.rpartition('/')[2])}&limit=1"))["files"]
        assert listed["name"] == path.rpartition("/")[2]
        assert (await root.patch(url(path), {"path": "elsewhere/x"}))["path"] == "elsewhere/x"
        assert (await root.patch(url("elsewhere/x"), {"path": path}))["path"] == path
        assert (await root.delete(url(path)))["path"] == path
        assert await root.refused("GET", url(path)) == (404, "not_found")


async def test_longest_path_fits_a_request_with_every_byte_percent_encoded() -> None:
    path = "/".join(["é" * 127] * 16)[: 4096 // 2 - 20]
    async with open_house() as house, asker(house) as anna:
        await store(house, path, b"abc")
        encoded = "".join(f"%{byte:02X}" for byte in path.encode())
        assert len(encoded) > 12_000
        assert (await anna.get(f"/files/{encoded}"))["sha256"] == sha256(b"abc")


@pytest.mark.parametrize(
    "raw", ["../etc/passwd", "..%2Fetc%2Fpasswd", "a//b", "%2Fa", "a%00b", "a%5Cb", "a%0Db", ".", "a/./b"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_name_can_not_leave_the_root_or_be_what_no_name_is(method: str, raw: str) -> None:
    async with open_house() as house, asker(house, "root") as root:
        body = {"path": "x"} if method == "PATCH" else None
        status, code = await root.refused(method, f"/files/{raw}", body)
        assert (status, code) == (400, "bad_name")


async def test_name_that_is_no_utf8_is_refused() -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("GET", "/files/%FF.txt") == (400, "bad_name")


async def test_escapes_are_undone_once() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "%41", b"abc")
        assert (await anna.get("/files/%2541"))["name"] == "%41"
        assert await anna.refused("GET", "/files/%41") == (404, "not_found")


async def test_move_onto_a_taken_path_is_a_conflict_and_changes_nothing() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        await store(house, "b", b"b")
        assert await anna.refused("PATCH", "/files/a", {"path": "b"}) == (409, "conflict")
        assert await anna.refused("PATCH", "/files/a", {"path": "../b"}) == (400, "bad_name")
        assert (await anna.get("/files/a"))["sha256"] == sha256(b"a")


async def test_only_an_admin_deletes() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        assert await anna.refused("DELETE", "/files/a") == (403, "forbidden")
        assert (await anna.get("/files/a"))["kind"] == "file"


async def test_listing_of_what_is_not_there_says_so() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        assert await anna.refused("GET", "/files?path=none") == (404, "not_found")
        assert await anna.refused("GET", "/files?path=a") == (409, "conflict")
        assert await anna.refused("GET", "/files?cursor=x") == (400, "bad_request")


@pytest.mark.parametrize("query", ["sort=owner", "order=up", "path=a&path=b", "page=2", "limit=1.5"])
async def test_query_that_makes_no_sense_is_refused(query: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("GET", f"/files?{query}") == (400, "bad_request")


async def test_etag_saves_the_answer_while_it_is_the_same() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        tag = (await anna.ask("GET", "/files/a")).headers["ETag"]
        same = await anna.ask("GET", "/files/a", headers={"If-None-Match": f'"x", {tag}'})
        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
        await store(house, "a", b"b")
        changed = await anna.ask("GET", "/files/a", headers={"If-None-Match": tag})
        assert changed.status == 200
        assert changed.headers["ETag"] != tag


async def test_change_of_what_is_no_longer_so_is_refused_where_that_was_asked() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, "a", b"a")
        old = {"If-Match": (await root.ask("GET", "/files/a")).headers["ETag"]}
        await store(house, "a", b"b")
        assert await root.refused("DELETE", "/files/a", headers=old) == (412, "precondition_failed")
        moved = await root.ask("PATCH", "/files/a", {"path": "b"}, headers=old)
        assert failure(moved) == (412, "precondition_failed")
        now = {"If-Match": (await root.ask("GET", "/files/a")).headers["ETag"]}
        assert (await root.ask("DELETE", "/files/a", headers=now)).status == 200
        assert await root.refused("DELETE", "/files/a", headers={"If-Match": "*"}) == (404, "not_found")


async def test_head_is_get_without_its_body() -> None:
    async with open_house() as house, asker(house) as anna:
        await store(house, "a", b"a")
        got, head = await anna.ask("GET", "/files/a"), await anna.program.head(f"{API}/files/a")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["ETag"] == got.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(got.body))
