"""Every page at both widths and in both themes: nothing overflows, nothing complains, nothing inaccessible.

With FILESHARE_SCREENSHOTS each is written there for people to look at.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fileshare.domain.model import Caller, Door
from fileshare.services.new_uploads import NewUpload
from fileshare.web.texts import iso_text
from tests.browser.conftest import Visit, Visiting
from tests.browser.looks import in_every_look
from tests.services.workshop import Bytes
from tests.storage.test_log_files import line, write
from tests.web.house import House, open_house

EVIL = "<img src=x onerror=alert(1)>.txt"
LONG = "a-name-without-any-place-to-break-it-" * 5

Fill = Callable[[House], Awaitable[None]]


async def nothing(_house: House) -> None:
    pass


async def half_done(house: House) -> None:
    anna = Caller(house.known["anna"], "127.0.0.1", Door.WEB)
    for path, size in ((f"photos/{EVIL}", 4_200_000), (f"{LONG}.bin", None)):
        writer = await house.world.begin(NewUpload(path, size=size), anna)
        await writer.receive(Bytes([b"x" * 900_000]), 900_000)
        await writer.release()
    for name in ("laptop", EVIL, LONG):
        await house.accounts.issue_token(house.known["anna"], name=name, address="2001:db8:1:2:3:4:5:6")


async def events(house: House) -> None:
    note = house.world.shop.audit.note
    for path in ("report.txt", f"photos/{EVIL}", LONG):
        note(None, "upload", path, account="anna", address="192.0.2.1", door="web")
        note(None, "delete", path, "denied", account="bert", address="2001:db8:1:2:3:4:5:6", door="tcp")


def log_lines(folder: Path) -> None:
    lines = [
        line(1, message="fileshare 0.1 starts"),
        line(2, message=EVIL, account=LONG[:64]),
        line(3, level="warning", message=LONG),
        line(4, level="error", message="GET /x failed", trace="Traceback:\n  " + LONG),
    ]
    write(folder, "server.log", *lines)


@dataclass(frozen=True)
class Screen:
    """One page in one state."""

    name: str
    path: str
    who: str | None = None
    fill: Fill = nothing
    status: int = 200


SCREENS = (
    Screen("login", "/login"),
    Screen("not-found", "/nothing", status=404),
    Screen("forbidden", "/users", "anna", status=403),
    Screen("logout", "/logout", "anna"),
    Screen("password", "/account/password", "anna"),
    Screen("account-empty", "/account", "anna"),
    Screen("account-full", "/account?done=upload_aborted", "anna", half_done),
    Screen("users", "/users?done=user_added", "root"),
    Screen("user", "/users/anna", "root", half_done),
    Screen("logs", "/logs", "root"),
    Screen("logs-none", "/logs?q=nothing", "root"),
    Screen("logs-wrong", "/logs?since=yesterday", "root", status=400),
    Screen("audit", "/audit", "root", events),
)


@in_every_look
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_screen(screen: Screen, width: int, dark: bool, visit: Visiting, tmp_path: Path) -> None:
    log_lines(tmp_path)
    async with open_house(logs=tmp_path) as house:
        await screen.fill(house)
        one = await visit(house, screen.who, width=width, dark=dark)
        one.expected_statuses.add(screen.status)
        await one.go(screen.path)
        await one.assert_fits()
        await one.assert_accessible()
        await keep_picture(one, f"{screen.name}-{width}-{'dark' if dark else 'light'}")


async def keep_picture(one: Visit, name: str, *, full_page: bool = True) -> None:
    folder = os.environ.get("FILESHARE_SCREENSHOTS")
    if folder:
        await one.page.screenshot(path=Path(folder) / f"{name}.png", full_page=full_page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_colours_follow_the_systems_wish_without_a_script(dark: bool, visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, dark=dark, scripts=False)
        await one.go("/login")
        colour = await one.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
        assert colour == ("rgb(33, 37, 41)" if dark else "rgb(255, 255, 255)")


async def test_times_are_shown_in_the_readers_zone_and_kept_for_programs(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "root")
        await one.go("/users/anna")
        moment = one.page.locator("dl time").first
        created = house.known["anna"].created
        assert await moment.get_attribute("datetime") == iso_text(created)
        assert "UTC" in str(await moment.get_attribute("title"))
        assert "UTC" not in str(await moment.text_content())
