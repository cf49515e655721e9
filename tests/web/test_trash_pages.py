"""The trash as an admin sees it, with plain forms alone."""

import re

import pytest

from fileshare.domain.model import Caller, Door
from fileshare.services.new_uploads import NewUpload
from fileshare.web import trash_pages
from tests.services.workshop import Bytes
from tests.web.house import House, open_house

EVIL = "<img src=x onerror=alert(1)>.txt"


async def thrown_away(house: House, *paths: str) -> None:
    for path in paths:
        await stored(house, path)
        await house.world.catalog.trash(path, house.known["root"].id, house.world.clock())


async def stored(house: House, path: str) -> None:
    anna = Caller(house.known["anna"], "127.0.0.1", Door.WEB)
    writer = await house.world.begin(NewUpload(path, size=1500), anna)
    await writer.receive(Bytes([b"x" * 1500]), 1500)
    await writer.finish()


async def ids(house: House) -> list[str]:
    return [str(entry.id) for entry in await house.world.catalog.trashed()]


async def test_list_shows_what_was_deleted_by_whom_and_when_it_goes() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, f"docs/{EVIL}")
        _, text, _ = await browser.get("/trash")
        assert "docs/&lt;img" in text
        assert EVIL not in text
        assert "1.5 kB" in text
        assert "30 days" in text
        (entry,) = await house.world.catalog.trashed()
        assert entry.deleted_by in text


async def test_restored_file_is_back_where_it_was() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, "a.txt")
        (entry,) = await ids(house)
        _, _, answer = await browser.post("/trash/restore", entry=entry)
        assert answer.headers["Location"] == "/trash?done=untrashed"
        assert (await house.world.catalog.entry("a.txt")).path == "a.txt"


async def test_file_that_can_not_be_restored_is_said_on_the_page() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, "a/b.txt")
        await house.world.catalog.trash("a", house.known["root"].id, house.world.clock())
        await stored(house, "a")
        entry = next(e for e in await house.world.catalog.trashed() if e.path == "a/b.txt")
        status, text, _ = await browser.post("/trash/restore", entry=str(entry.id))
        assert status == 409
        assert 'role="alert"' in text


async def test_deleting_for_good_asks_first() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, "a.txt", "b.txt")
        entry = (await ids(house))[0]
        _, text, _ = await browser.get(f"/trash/delete?entry={entry}")
        assert "b.txt" in text
        assert len(await ids(house)) == 2
        _, _, answer = await browser.post("/trash/delete", entry=entry)
        assert answer.headers["Location"] == "/trash?done=purged"
        assert [e.path for e in await house.world.catalog.trashed()] == ["a.txt"]


async def test_emptying_spares_what_came_after_the_question() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, "a.txt", "b.txt")
        _, text, _ = await browser.get("/trash/empty")
        assert "2 deleted things" in text
        until = re.search(r'name="until" value="(\d+)"', text)
        assert until
        await thrown_away(house, "later.txt")
        await browser.post("/trash/empty", until=until[1])
        assert [e.path for e in await house.world.catalog.trashed()] == ["later.txt"]


@pytest.mark.parametrize(("path", "field"), [("/trash/restore", "entry"), ("/trash/delete", "entry")])
async def test_what_is_gone_meanwhile_is_no_failure(path: str, field: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        status, _, answer = await browser.post(path, **{field: "77"})
        assert (status, answer.headers["Location"]) == (303, "/trash?done=trash_gone")


@pytest.mark.parametrize("told", ["0", "-1", "x", "1" * 30, ""])
async def test_hostile_number_is_refused(told: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        assert (await browser.get(f"/trash?page={told}"))[0] == 400
        assert (await browser.post("/trash/restore", entry=told))[0] == 400


async def test_full_trash_is_shown_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash_pages, "PAGE", 2)
    async with open_house() as house, house.browser("root") as browser:
        await thrown_away(house, "a.txt", "b.txt", "c.txt")
        _, first, _ = await browser.get("/trash")
        assert "1 to 2 stand here" in first
        assert "?page=2" in first
        assert "a.txt" not in first
        _, second, _ = await browser.get("/trash?page=2")
        assert "a.txt" in second
        assert "?page=1" in second
        assert "?page=3" not in second
        assert (await browser.get("/trash?page=9"))[1].count("a.txt") == second.count("a.txt")


async def test_user_is_kept_out() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        assert (await browser.get("/trash"))[0] == 403
        assert 'href="/trash"' not in (await browser.get("/uploads"))[1]
