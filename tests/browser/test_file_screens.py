"""The pages of files at both widths and in both themes, in every state that people meet."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import EVIL, LONG, crowd, hostile, office
from tests.browser.looks import in_every_look
from tests.browser.test_screens import Screen, keep_picture
from tests.web.house import open_house

Act = Callable[[Visit], Awaitable[None]]


async def look(_one: Visit) -> None:
    pass


async def select_some(one: Visit) -> None:
    boxes = one.page.locator(".pick")
    await boxes.nth(1).check()
    await boxes.nth(3).check()


def ask(button: str) -> Act:
    """Choose the third row and press a button of the bar."""

    async def act(one: Visit) -> None:
        await one.page.locator(".pick").nth(2).check()
        await one.page.get_by_role("button", name=button, exact=True).click()
        await one.page.locator("dialog .ask").wait_for()

    return act


async def ask_for_folder(one: Visit) -> None:
    await one.page.get_by_role("link", name="New folder").click()
    await one.page.locator("dialog .ask").wait_for()


async def refused_folder(one: Visit) -> None:
    await ask_for_folder(one)
    await one.page.get_by_label("Name of the folder").fill("a/b")
    await one.page.keyboard.press("Enter")
    await one.page.get_by_role("alert").wait_for()


def search(text: str) -> Act:
    async def act(one: Visit) -> None:
        await one.page.get_by_role("searchbox").fill(text)
        await one.page.locator(".where").first.wait_for()

    return act


async def lose_server(one: Visit) -> None:
    await one.context.set_offline(True)
    await one.page.get_by_role("searchbox").fill("report")
    await one.page.get_by_role("alert").wait_for()
    one.complaints.clear()  # Chromium logs the request that this is about


@dataclass(frozen=True)
class FileScreen(Screen):
    """A page of files, after something was done on it."""

    act: Act = look


SCREENS = (
    FileScreen("files-empty", "/files/", "anna"),
    FileScreen("files", "/files/", "root", office),
    FileScreen("files-by-size", "/files/?sort=size&order=desc", "anna", office),
    FileScreen("files-selected", "/files/", "root", office, act=select_some),
    FileScreen("files-hostile", "/files/", "anna", hostile),
    FileScreen("files-many", "/files/", "anna", crowd),
    FileScreen("files-found", "/files/?q=report", "anna", office),
    FileScreen("files-not-found", "/files/Photos/?q=nowhere", "anna", office),
    FileScreen("files-folder-gone", "/files/gone/", "anna", status=404),
    FileScreen("files-bad-search", "/files/?q=" + "x" * 300, "anna", office, status=400),
    FileScreen("files-searching", "/files/", "anna", office, act=search("report")),
    FileScreen("files-offline", "/files/", "anna", office, act=lose_server),
    FileScreen("files-new-folder", "/files/", "anna", office, act=ask_for_folder),
    FileScreen("files-new-folder-refused", "/files/", "anna", office, status=400, act=refused_folder),
    FileScreen("files-rename", "/files/", "anna", office, act=ask("Rename")),
    FileScreen("files-move", "/files/", "anna", office, act=ask("Move")),
    FileScreen("files-delete", "/files/", "root", hostile, act=ask("Delete")),
    FileScreen("move-page", "/move?path=report.txt", "anna", office),
    FileScreen("file-text", "/files/report.txt?details", "root", office),
    FileScreen("file-older", "/files/report.txt?details&version=1", "anna", office),
    FileScreen("file-image", "/files/beach.png?details", "anna", office),
    FileScreen("file-svg", "/files/logo.svg?details", "anna", office),
    FileScreen("file-audio", "/files/hymn.wav?details", "anna", office),
    FileScreen("file-video", "/files/clip.mp4?details", "anna", office),
    FileScreen("file-pdf", "/files/manual.pdf?details", "anna", office),
    FileScreen("file-other", "/files/backup.tar.gz?details", "anna", office),
    FileScreen("file-empty", "/files/empty.bin?details", "anna", office),
    FileScreen("file-long", f"/files/{LONG}?details", "root", hostile),
    FileScreen("file-gone", "/files/gone.txt?details", "anna", status=404),
    FileScreen("files-deep", f"/files/{LONG[:200]}/%3Cimg src=x onerror=alert(1)%3E.txt/", "anna", hostile),
)

assert "%" not in EVIL


@in_every_look
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_file_screen(screen: FileScreen, width: int, dark: bool, visit: Visiting) -> None:
    async with open_house() as house:
        await screen.fill(house)
        one = await visit(house, screen.who, width=width, dark=dark)
        one.expected_statuses.add(screen.status)
        await one.go(screen.path)
        await screen.act(one)
        await one.assert_fits()
        await one.assert_accessible()
        await keep_picture(one, f"{screen.name}-{width}-{'dark' if dark else 'light'}")
