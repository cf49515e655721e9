"""What people do with files and folders: by mouse, by keyboard alone, and without scripts."""

import asyncio
from pathlib import Path
from zipfile import ZipFile

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import EVIL, crowd, folder, office, put
from tests.web.house import House, open_house


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def entry(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def at(visit: Visiting, house: House, path: str = "/files/", name: str = "root") -> Visit:
    one = await visit(house, name)
    await one.go(path)
    return one


async def test_search_follows_what_one_types_and_the_address_follows_it(visit: Visiting) -> None:
    async with open_house() as house:
        await office(house)
        one = await at(visit, house)
        page = one.page
        await page.keyboard.press("/")
        await page.keyboard.type("garden")
        await expect(page.locator("#listing tbody tr")).to_have_count(2)
        await expect(page).to_have_url(f"{house.url}/files/?q=garden")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await expect(page.locator("#listing-state")).to_have_text("2 found.")
        await page.reload()
        await expect(page.locator("#listing tbody tr")).to_have_count(2)
        await entry(page, "report of the garden.txt").click()
        await expect(page.get_by_text("Roses.")).to_be_visible()
        await page.go_back()
        await expect(page.locator("#listing tbody tr")).to_have_count(2)
        await page.get_by_role("searchbox").fill("")
        await expect(entry(page, "Contracts (folder)")).to_be_visible()
        await expect(page).to_have_url(f"{house.url}/files/")


async def test_answer_to_an_older_search_never_replaces_a_newer_one(visit: Visiting) -> None:
    async with open_house() as house:
        await office(house)
        one = await at(visit, house)
        page = one.page

        asked: asyncio.Queue[Route] = asyncio.Queue()
        await page.route("**/files/?q=report", asked.put)
        async with page.expect_event("requestfailed"):  # by us: nobody waits for it any more
            await page.get_by_role("searchbox").fill("report")
            await asked.get()
            await page.get_by_role("searchbox").fill("beach")
        await expect(page.locator("#listing tbody tr")).to_have_count(1)
        await expect(entry(page, "beach.png")).to_be_visible()


async def test_more_rows_come_below_and_stay_after_a_reload(visit: Visiting) -> None:
    async with open_house() as house:
        await crowd(house)
        one = await at(visit, house)
        page, rows = one.page, one.page.locator("#listing tbody tr")
        await page.locator(".pick").nth(2).check()
        await page.get_by_role("link", name="Show more").click()
        await expect(rows).to_have_count(200)
        await expect(page.locator(".pick").nth(2)).to_be_checked()
        await page.reload()
        await expect(rows).to_have_count(200)


async def test_rows_are_chosen_by_range_all_and_none(visit: Visiting) -> None:
    async with open_house() as house:
        await office(house)
        one = await at(visit, house)
        page, boxes = one.page, one.page.locator(".pick")
        await expect(page.locator("#selection")).to_be_hidden()
        await boxes.nth(2).click()
        await boxes.nth(5).click(modifiers=["Shift"])
        await expect(page.locator("#selection-count")).to_have_text("4 selected")
        await expect(page.get_by_role("button", name="Rename")).to_be_disabled()
        await page.get_by_label("Select all that are shown").check()
        await expect(page.locator("#selection-count")).to_have_text("12 selected")
        await page.get_by_role("button", name="Clear the selection").click()
        await expect(page.locator(".pick:checked")).to_have_count(0)
        await expect(page.locator("#selection")).to_be_hidden()


async def test_everything_can_be_done_by_keyboard_alone(visit: Visiting) -> None:
    async with open_house() as house:
        await folder(house, "docs")
        for name in ("a.txt", "b.txt", "c.txt"):
            await put(house, name, name.encode())
        one = await at(visit, house)
        page = one.page
        # Rename
        await entry(page, "a.txt").focus()
        await press(page, "F2")
        await expect(page.get_by_label("New name")).to_be_focused()
        await page.keyboard.type("z")  # the name is selected without its ending
        await press(page, "Enter")
        await expect(entry(page, "z.txt")).to_be_focused()
        await expect(page.locator("#said")).to_have_text("It has its new name.")
        # Choose two and move them
        await press(page, "Escape", "ArrowUp", "Shift+ArrowUp")
        await expect(page.locator("#selection-count")).to_have_text("2 selected")
        await page.get_by_role("button", name="Move").focus()
        await press(page, "Enter")
        await expect(page.get_by_role("button", name="docs")).to_be_focused()
        await press(page, "Enter")
        await expect(page.get_by_role("button", name="Move here")).to_be_enabled()
        await page.get_by_role("button", name="Move here").focus()
        await press(page, "Enter")
        await expect(page.locator("#said")).to_have_text("Moved.")
        await expect(entry(page, "b.txt")).to_have_count(0)
        # Delete; whoever cancels is where they were
        await entry(page, "z.txt").focus()
        await press(page, "Delete")
        await expect(page.get_by_role("dialog", name="Delete this?")).to_be_visible()
        await press(page, "Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await entry(page, "z.txt").focus()
        await press(page, "Delete")
        await expect(page.get_by_role("dialog").get_by_role("button", name="Delete")).to_be_focused()
        await press(page, "Enter")
        await expect(entry(page, "z.txt")).to_have_count(0)
        await expect(entry(page, "docs (folder)")).to_be_focused()
        # A new folder
        await page.get_by_role("link", name="New folder").focus()
        await press(page, "Enter")
        await expect(page.get_by_label("Name of the folder")).to_be_focused()
        await page.keyboard.type("plans")
        await press(page, "Enter")
        await expect(entry(page, "plans (folder)")).to_be_focused()


async def test_refusal_is_said_in_the_dialog_and_what_was_typed_stays(visit: Visiting) -> None:
    async with open_house() as house:
        await put(house, "a.txt")
        one = await at(visit, house)
        one.expected_statuses |= {400, 409}
        page = one.page
        await page.get_by_role("link", name="New folder").click()
        await page.get_by_label("Name of the folder").fill("a.txt")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("in the way")
        await expect(page.get_by_label("Name of the folder")).to_have_value("a.txt")
        await expect(page.get_by_label("Name of the folder")).to_be_focused()
        await page.get_by_role("link", name="Cancel").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_stored_file_appears_and_nothing_else_moves(visit: Visiting) -> None:
    async with open_house() as house:
        await crowd(house)
        one = await at(visit, house)
        page = one.page
        await page.locator(".pick").nth(50).check()
        await page.locator(".entry").nth(60).focus()
        await page.evaluate("scrollTo(0, 1500)")
        await put(house, "a first one.txt")
        await page.evaluate(
            """document.dispatchEvent(
              new CustomEvent("fileshare:stored", {detail: {path: "a first one.txt", version: 1}}))"""
        )
        await expect(entry(page, "a first one.txt")).to_be_attached()
        assert await page.locator(".pick:checked").evaluate_all("boxes => boxes.map(b => b.value)") == [
            "scan-0050.pdf"
        ]
        await expect(entry(page, "scan-0060.pdf")).to_be_focused()
        assert abs(await page.evaluate("scrollY") - 1500) < 60


async def test_file_and_selection_are_downloaded_by_one_click(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        await office(house)
        one = await at(visit, house)
        page = one.page
        async with page.expect_download() as found:
            await page.get_by_role("link", name="Download report.txt", exact=True).click()
        assert (await found.value).suggested_filename == "report.txt"
        await row(page, "report.txt").locator(".pick").check()
        await row(page, "Photos (folder)").locator(".pick").check()
        async with page.expect_download() as found:
            await page.get_by_role("button", name="Download").click()
        archive = await found.value
        assert archive.suggested_filename == "files.zip"
        await archive.save_as(tmp_path / "files.zip")
        with ZipFile(tmp_path / "files.zip") as opened:
            assert opened.testzip() is None
            assert "report.txt" in opened.namelist()
            assert "Photos/2026/garden.png" in opened.namelist()
            assert "beach.png" not in opened.namelist()


async def test_digest_is_copied(visit: Visiting) -> None:
    async with open_house() as house:
        await put(house, "a.txt", b"abc")
        one = await at(visit, house)
        await one.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await one.page.get_by_role("button", name="Copy the SHA-256 of a.txt").click()
        copied = await one.page.evaluate("navigator.clipboard.readText()")
        assert copied == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


async def test_version_is_restored_and_file_renamed_on_its_page(visit: Visiting) -> None:
    async with open_house() as house:
        for data in (b"first", b"second"):
            await put(house, "a.txt", data, replace=True)
        one = await at(visit, house, "/files/a.txt?details")
        page = one.page
        await page.get_by_role("button", name="Make version 1 the current one").click()
        await expect(page.get_by_role("status").first).to_contain_text("current one again")
        await expect(page.locator("pre")).to_have_text("first")
        await page.get_by_role("link", name="Rename").click()
        await page.get_by_label("New name").fill("b.txt")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="b.txt")).to_be_visible()
        await page.get_by_role("link", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("There are no files yet.")).to_be_visible()


async def test_sound_and_picture_are_shown(visit: Visiting) -> None:
    async with open_house() as house:
        await office(house)
        one = await at(visit, house, "/files/hymn.wav?details")
        await expect(one.page.locator("audio")).to_have_js_property("duration", 2)
        for name, width in (("beach.png", 640), ("logo.svg", 120)):
            await one.go(f"/files/{name}?details")
            await expect(one.page.locator(".preview img")).to_have_js_property("naturalWidth", width)


async def test_everything_works_without_scripts(visit: Visiting, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("My notes.")
    async with open_house() as house:
        await folder(house, "docs")
        await put(house, "a.txt", b"A text.")
        one = await visit(house, scripts=False, width=360)
        page = one.page
        await one.log_in("root")
        await expect(page).to_have_url(f"{house.url}/files/")
        await expect(page.get_by_role("button", name="Clear the selection")).to_be_hidden()
        await page.get_by_label("Upload files into this folder").set_input_files(tmp_path / "notes.txt")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.get_by_role("status").first).to_have_text("The files are stored.")
        await page.get_by_role("searchbox").fill("notes")
        await page.get_by_role("button", name="Search").click()
        await entry(page, "notes.txt").click()
        await expect(page.locator("pre")).to_have_text("My notes.")
        await page.get_by_role("link", name="Files").first.click()
        await page.get_by_role("link", name="Size").click()
        await expect(page.get_by_role("columnheader", name="Size")).to_have_attribute(
            "aria-sort", "descending"
        )
        await page.get_by_label("Select notes.txt").check()
        await page.get_by_role("button", name="Move").click()
        await page.get_by_role("button", name="docs").click()
        await page.get_by_role("button", name="Move here").click()
        await expect(page.get_by_role("status").first).to_have_text("Moved.")
        await entry(page, "docs (folder)").click()
        await expect(entry(page, "notes.txt")).to_be_visible()
        await page.get_by_role("link", name="New folder").click()
        await page.get_by_label("Name of the folder").fill("inner")
        await page.get_by_role("button", name="Create").click()
        await expect(entry(page, "inner (folder)")).to_be_visible()
        await page.get_by_label("Select notes.txt").check()
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("button", name="Delete").click()
        await expect(entry(page, "notes.txt")).to_have_count(0)


async def test_hostile_name_goes_through_every_dialog_as_text(visit: Visiting) -> None:
    async with open_house() as house:
        await put(house, EVIL)
        one = await at(visit, house)
        page = one.page
        for button in ("Rename", "Move", "Delete"):
            await page.locator(".pick").check()
            await page.get_by_role("button", name=button, exact=True).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await page.get_by_role("link", name="Cancel").click()
        await page.get_by_role("button", name="Clear the selection").click()
        await page.get_by_role("searchbox").fill("<img src=x")
        await expect(page).to_have_url(f"{house.url}/files/?q=%3Cimg+src%3Dx")
        assert await page.locator("main img").count() == 0
