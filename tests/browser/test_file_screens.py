"""The pages of files at both widths and in both themes, in every state that people meet."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import EVIL, LONG, crowd, hostile, office
from tests.browser.test_screens import Screen, keep_picture
from tests.web.house import open_house

Act = Callable[[Visit], Awaitable[None]]


async def look(_one: Visit) -> None:
    pass


async def select_some(one: Visit) -> None:
    boxes = one.page.locator(".pick")
    await boxes.nth(1).check()
    await boxes.nth(3).check()


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
    FileScreen("files-deep", f"/files/{LONG[:200]}/%3Cimg src=x onerror=alert(1)%3E.txt/", "anna", hostile),
)

assert "%" not in EVIL


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
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
