"""New folder, rename, move, delete and restore by plain forms: asked first, done once, and led back."""

from urllib.parse import urlencode

import pytest

from fileshare.errors import NotFound
from fileshare.services.ports import Listing
from tests.browser.file_trees import EVIL, folder, put
from tests.web.house import Browser, House, open_house


async def paths(house: House, path: str = "") -> list[str]:
    return [entry.path for entry in (await house.world.catalog.listing(Listing(path, 100))).entries]


async def send(browser: Browser, path: str, *pairs: tuple[str, str]) -> tuple[int, str, str]:
    """A form in which a name may stand several times. Status, page, and where it leads."""
    token = await browser.token("/account/password")
    body = urlencode([("csrf_token", token), *pairs])
    headers = {"Origin": browser.url, "Content-Type": "application/x-www-form-urlencoded"}
    status, text, answer = await browser.ask("POST", path, data=body, headers=headers)
    return status, text, answer.headers.get("Location", "")


# New folder


async def test_folder_is_made_in_the_folder_that_one_is_in() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await folder(house, "docs")
        _, text, _ = await browser.get("/folders?path=docs")
        assert 'name="path" value="docs"' in text
        status, _, location = await send(browser, "/folders", ("path", "docs"), ("name", " new "))
        assert (status, location) == (303, "/files/docs/?done=folder_made")
        assert await paths(house, "docs") == ["docs/new"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\\b", "a\x00", "x" * 256])
async def test_name_that_can_not_be_is_said_with_what_was_typed(name: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        for path, fields in (("/folders", ("path", "")), ("/rename", ("path", "a.txt"))):
            status, text, _ = await send(browser, path, fields, ("name", name))
            assert status == 400
            assert 'role="alert"' in text
            assert 'name="name"' in text
        assert await paths(house) == ["a.txt"]


# Rename


async def test_file_is_renamed_in_its_folder() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "docs/a.txt")
        _, text, _ = await browser.get("/rename?path=docs/a.txt")
        assert 'value="a.txt"' in text
        status, _, location = await send(browser, "/rename", ("path", "docs/a.txt"), ("name", EVIL))
        assert (status, location) == (303, "/files/docs/?done=renamed")
        assert await paths(house, "docs") == [f"docs/{EVIL}"]


async def test_rename_comes_back_to_the_search_that_one_came_from() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        fields = [("path", "a.txt"), ("name", "b.txt"), ("back", "/files/?q=a&sort=size&done=moved")]
        _, _, location = await send(browser, "/rename", *fields)
        assert location == "/files/?q=a&sort=size&done=renamed"


async def test_rename_on_the_files_page_leads_to_its_new_address() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a b.txt")
        fields = [("path", "a b.txt"), ("name", "c d.txt"), ("back", "/files/a%20b.txt?details")]
        _, _, location = await send(browser, "/rename", *fields)
        assert location == "/files/c%20d.txt?details=&done=renamed"


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/users", "/files\\..", "javascript:1"]
)
async def test_nobody_is_led_elsewhere(back: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        _, text, _ = await browser.get(f"/rename?path=a.txt&back={back}")
        assert "evil" not in text
        _, _, location = await send(browser, "/rename", ("path", "a.txt"), ("name", "b.txt"), ("back", back))
        assert location == "/files/?done=renamed"


async def test_name_that_is_taken_is_said_and_nothing_lost() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt", b"a")
        await put(house, "b.txt", b"b")
        status, text, _ = await send(browser, "/rename", ("path", "a.txt"), ("name", "b.txt"))
        assert status == 409
        assert "already" in text
        assert await house.world.stored_bytes("b.txt") == b"b"


async def test_several_can_not_be_renamed_at_once() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        status, text, _ = await send(browser, "/rename", ("path", "a"), ("path", "b"), ("name", "c"))
        assert status == 400
        assert "just one" in text


# Move


async def test_picker_goes_through_folders_and_keeps_what_was_chosen() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        await put(house, "b.txt")
        await folder(house, "docs/old")
        chosen = [("path", "a.txt"), ("path", "b.txt"), ("folder", "")]
        _, text, _ = await send(browser, "/move", *chosen)
        assert 'name="look" value="docs"' in text
        assert "disabled" in text
        _, text, _ = await send(browser, "/move", *chosen, ("look", "docs"))
        assert 'name="look" value="docs/old"' in text
        assert 'name="to" value="docs"' in text
        assert 'name="path" value="a.txt"' in text
        assert 'name="path" value="b.txt"' in text
        status, _, location = await send(browser, "/move", *chosen, ("to", "docs"))
        assert (status, location) == (303, "/files/?done=moved")
        assert await paths(house, "docs") == ["docs/old", "docs/a.txt", "docs/b.txt"]


async def test_folder_is_not_offered_itself() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await folder(house, "docs/old")
        _, text, _ = await browser.get("/move?path=docs")
        assert 'name="look" value="docs"' not in text
        status, text, _ = await send(browser, "/move", ("path", "docs"), ("to", "docs/old"))
        assert status == 409
        assert "into itself" in text


async def test_move_that_stops_says_at_which_and_keeps_the_rest_chosen() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        for path in ("a.txt", "b.txt", "c.txt", "docs/b.txt"):
            await put(house, path)
        chosen = [("path", "a.txt"), ("path", "b.txt"), ("path", "c.txt")]
        status, text, _ = await send(browser, "/move", *chosen, ("to", "docs"))
        assert status == 409
        assert "b.txt: " in text
        assert 'name="path" value="a.txt"' not in text
        assert 'name="path" value="c.txt"' in text
        assert await paths(house) == ["docs", "b.txt", "c.txt"]


# Delete and restore


async def test_delete_asks_and_then_moves_to_the_trash() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, "a.txt")
        await put(house, "docs/b.txt")
        chosen = [("path", "a.txt"), ("path", "docs")]
        status, text, _ = await send(browser, "/delete", *chosen)
        assert status == 200
        assert "2 things" in text
        assert await paths(house) == ["docs", "a.txt"]
        status, _, location = await send(browser, "/delete", *chosen, ("confirm", "yes"))
        assert (status, location) == (303, "/files/?done=deleted")
        assert await paths(house) == []
        assert {entry.path for entry in await house.world.catalog.trashed()} == {"a.txt", "docs"}


async def test_what_is_gone_already_is_deleted_enough() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, "a.txt")
        status, _, _ = await send(browser, "/delete", ("path", "gone"), ("path", "a.txt"), ("confirm", "yes"))
        assert status == 303
        assert await paths(house) == []


async def test_file_deleted_on_its_page_leads_to_its_folder() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, "docs/a.txt")
        fields = [("path", "docs/a.txt"), ("back", "/files/docs/a.txt?details"), ("confirm", "yes")]
        _, _, location = await send(browser, "/delete", *fields)
        assert location == "/files/docs/?done=deleted"


async def test_users_are_offered_no_delete_and_can_not_do_it() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await put(house, "a.txt")
        _, text, _ = await browser.get("/files/")
        assert "/delete" not in text
        assert "/delete" not in (await browser.get("/files/a.txt?details"))[1]
        status, _, _ = await send(browser, "/delete", ("path", "a.txt"), ("confirm", "yes"))
        assert status == 403
        assert await paths(house) == ["a.txt"]


async def test_older_version_is_made_current_by_an_admin_alone() -> None:
    async with open_house() as house, house.browser("root") as root, house.browser("anna") as anna:
        for data in (b"one", b"two"):
            await put(house, "a.txt", data, replace=True)
        fields = [("path", "a.txt"), ("version", "1")]
        assert (await send(anna, "/restore", *fields))[0] == 403
        assert "/restore" not in (await anna.get("/files/a.txt?details"))[1]
        status, _, location = await send(root, "/restore", *fields)
        assert (status, location) == (303, "/files/a.txt?details=&done=restored")
        assert await house.world.stored_bytes("a.txt") == b"one"
        assert len(await house.world.catalog.versions("a.txt")) == 3


# All of them


@pytest.mark.parametrize(
    "path",
    [
        "/delete?path=a.txt&confirm=yes",
        "/move?path=a.txt&to=docs",
        "/rename?path=a.txt&name=b.txt",
        "/folders?path=&name=new",
    ],
)
async def test_link_changes_nothing(path: str) -> None:
    """Nobody's picture or link on another site may act for an admin who looks at it."""
    async with open_house() as house, house.browser("root") as browser:
        await put(house, "a.txt")
        for method in ("GET", "HEAD"):
            status, _, _ = await browser.ask(method, path)
            assert status == 200
        assert await paths(house) == ["a.txt"]


@pytest.mark.parametrize("path", ["/delete", "/move", "/rename", "/folders", "/restore", "/download"])
async def test_form_without_our_token_is_refused(path: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, "a.txt")
        fields = {"path": "a.txt", "confirm": "yes", "to": "docs", "name": "b", "version": "1"}
        status, _, _ = await browser.ask("POST", path, data=fields, headers={"Origin": browser.url})
        assert status == 403
        assert await paths(house) == ["a.txt"]


@pytest.mark.parametrize("path", ["/delete", "/move", "/rename", "/download"])
async def test_nothing_chosen_is_said(path: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        status, text, _ = await send(browser, path)
        assert status == 400
        assert "Nothing is selected" in text


async def test_hostile_name_is_text_on_every_page_that_asks() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await put(house, EVIL)
        await folder(house, f"{EVIL}2")
        for path in ("/delete", "/move", "/rename"):
            status, text, _ = await send(browser, path, ("path", EVIL))
            assert status == 200
            assert "<img" not in text
        _, text, _ = await send(browser, "/folders", ("path", EVIL), ("name", EVIL))
        assert "<img" not in text


async def test_what_went_away_meanwhile_is_not_found() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        assert (await send(browser, "/rename", ("path", "gone.txt"), ("name", "b")))[0] == 404
        with pytest.raises(NotFound):
            await house.world.catalog.entry("b")
