"""Transfers, half-done uploads and the trash in a real browser: how they look, and what their scripts do."""

import time
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace
from playwright.async_api import expect

from fileshare.domain.model import Caller, Door
from fileshare.services.meters import Direction
from fileshare.services.new_uploads import NewUpload
from fileshare.web import trash_pages
from tests.browser.conftest import Visit, Visiting
from tests.browser.looks import in_every_look
from tests.browser.test_file_screens import FileScreen
from tests.browser.test_screens import EVIL, LONG, half_done, keep_picture, nothing
from tests.services.workshop import ANNA, BERT
from tests.web.house import House, open_house
from tests.web.programs import store

GB = 10**9


@dataclass
class Moving:
    """A transfer of the register's, without bytes."""

    caller: Caller
    direction: Direction
    path: str
    size: int | None
    begun: int = 0
    rate: float = 0
    """Bytes per second."""
    since: float = field(default_factory=time.monotonic)
    halted: bool = False

    @property
    def offset(self) -> int:
        return self.begun + round(self.rate * (time.monotonic() - self.since))

    def halt(self) -> None:
        self.halted = True


WEB_BERT = replace(BERT, door=Door.WEB, address="2001:db8:1:2:3:4:5:6")


async def some_run(house: House) -> list[Moving]:
    movers = [
        Moving(ANNA, Direction.RECEIVED, "Films/summer in the mountains.mkv", 8 * GB, 3 * GB),
        Moving(WEB_BERT, Direction.SENT, f"photos/{EVIL}", 4_000_000_000, 3_900_000_000),
        Moving(WEB_BERT, Direction.SENT, "photos/photos.zip", None, 1_234_567),
        Moving(ANNA, Direction.RECEIVED, f"{LONG}.bin", 1 << 50, 1 << 40),
    ]
    for mover in movers:
        house.world.transfers.begin(mover)
    return movers


async def running_fast(house: House) -> None:
    for mover in await some_run(house):
        mover.rate = 12_345_678


async def running(house: House) -> None:
    await some_run(house)


async def running_and_stopping(house: House) -> None:
    movers = await some_run(house)
    found = house.world.transfers.list(replace(ANNA, account=house.known["root"]))
    house.world.transfers.stop(replace(ANNA, account=house.known["root"]), found[0].id)
    assert movers[0].halted


async def rubbish(house: House) -> None:
    house.world.blobs.free, house.world.blobs.total = 142 * GB, 500 * GB
    for path in ("report.txt", f"photos/{EVIL}", f"{LONG}.bin", "Projects/2024/plan.pdf"):
        await store(house, path, b"x" * 1_500_000)
        await store(house, path, b"y" * 1_400_000)
    for path in ("report.txt", f"photos/{EVIL}", f"{LONG}.bin", "Projects"):
        await house.world.catalog.trash(path, house.known["root"].id, house.world.clock())


async def nearly_full(house: House) -> None:
    house.world.blobs.free, house.world.blobs.total = 31 * GB, 500 * GB
    await rubbish_only(house)


async def rubbish_only(house: House) -> None:
    await store(house, "report.txt", b"x" * 1_500_000)
    await house.world.catalog.trash("report.txt", house.known["root"].id, house.world.clock())


async def ask_to_empty(one: Visit) -> None:
    await one.page.get_by_role("link", name="Empty the trash").click()
    await one.page.locator(".ask-dialog .ask").wait_for()


async def ask_to_delete(one: Visit) -> None:
    await one.page.get_by_role("link", name="Delete photos").click()
    await one.page.locator(".ask-dialog .ask").wait_for()


async def go_live(one: Visit) -> None:
    await expect(one.page.locator("#live-state")).to_have_text("Live.")


async def see_speed(one: Visit) -> None:
    await expect(one.page.get_by_text("MB/s").first).to_be_visible(timeout=15_000)


async def lose_server(one: Visit) -> None:
    one.expected_statuses.add(503)
    await one.page.route("**/transfers", lambda route: route.fulfill(status=503))
    await expect(one.page.locator("#live-state")).to_contain_text("Not reached", timeout=10_000)


SCREENS = (
    FileScreen("transfers-empty", "/transfers", "root", act=go_live),
    FileScreen("transfers", "/transfers", "root", running_fast, act=see_speed),
    FileScreen("transfers-stopping", "/transfers?done=transfer_stopped", "root", running_and_stopping),
    FileScreen("transfers-offline", "/transfers", "root", running, act=lose_server),
    FileScreen("uploads-empty", "/uploads", "anna", nothing),
    FileScreen("uploads", "/uploads", "anna", half_done),
    FileScreen("uploads-all", "/uploads?done=upload_aborted", "root", half_done),
    FileScreen("trash-empty", "/trash?done=trash_emptied", "root"),
    FileScreen("trash", "/trash", "root", rubbish),
    FileScreen("trash-asked", "/trash", "root", rubbish, act=ask_to_empty),
    FileScreen("trash-delete", "/trash", "root", rubbish, act=ask_to_delete),
    FileScreen("trash-empty-page", "/trash/empty", "root", rubbish),
    FileScreen("trash-low", "/trash", "root", nearly_full),
    FileScreen("files-low", "/files/", "root", nearly_full),
    FileScreen("trash-wrong", "/trash?page=x", "root", status=400),
)


@in_every_look
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_running_screen(screen: FileScreen, width: int, dark: bool, visit: Visiting) -> None:
    async with open_house() as house:
        await screen.fill(house)
        one = await visit(house, screen.who, width=width, dark=dark)
        one.expected_statuses.add(screen.status)
        await one.go(screen.path)
        await screen.act(one)
        await one.assert_fits()
        await one.assert_accessible()
        await keep_picture(one, f"{screen.name}-{width}-{'dark' if dark else 'light'}")


async def test_figures_move_under_a_button_that_stays_reached(visit: Visiting) -> None:
    async with open_house() as house:
        first, second, *_ = await some_run(house)
        one = await visit(house, "root")
        await one.go("/transfers")
        row = one.page.get_by_role("row").filter(has_text="summer in the mountains")
        await expect(row).to_contain_text("3.0 GB of 8.0 GB")
        await row.get_by_role("button", name="Stop").focus()
        first.begun = 6 * GB
        house.world.transfers.end(2)
        await expect(row).to_contain_text("6.0 GB of 8.0 GB, 75 %", timeout=10_000)
        await expect(row.get_by_role("button", name="Stop")).to_be_focused()
        await expect(one.page.get_by_text(second.path)).to_have_count(0)
        await one.page.keyboard.press("Enter")
        await expect(one.page.locator(".alert-success")).to_contain_text("is being stopped")
        assert first.halted


async def test_paused_page_stands_still_until_it_goes_on(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "root")
        await one.go("/transfers")
        await go_live(one)
        await one.page.get_by_role("button", name="Pause").click()
        await expect(one.page.locator("#live-state")).to_have_text("Paused.")
        await some_run(house)
        await expect(one.page.get_by_text("Nothing moves now")).to_be_visible()
        await one.page.get_by_role("button", name="Go on").click()
        await expect(one.page.get_by_role("row")).to_have_count(5, timeout=10_000)


async def test_transfers_come_and_go_without_a_reload(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "root")
        await one.go("/transfers")
        await some_run(house)
        await expect(one.page.get_by_role("row")).to_have_count(5, timeout=10_000)
        for number in (1, 2, 3, 4):
            house.world.transfers.end(number)
        await expect(one.page.get_by_text("Nothing moves now")).to_be_visible(timeout=10_000)


async def test_trash_is_emptied_by_a_dialog_that_can_be_left(visit: Visiting) -> None:
    async with open_house() as house:
        await rubbish(house)
        one = await visit(house, "root")
        await one.go("/trash")
        await ask_to_empty(one)
        await one.page.keyboard.press("Escape")
        await expect(one.page.locator(".ask-dialog")).to_have_count(0)
        assert len(await house.world.catalog.trashed()) == 4
        await ask_to_empty(one)
        await one.page.locator(".ask-dialog").get_by_role("button", name="Empty the trash").click()
        await expect(one.page.get_by_text("The trash is empty. What")).to_be_visible()
        assert not await house.world.catalog.trashed()


async def test_trash_works_without_scripts(visit: Visiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash_pages, "PAGE", 3)
    async with open_house() as house:
        await rubbish(house)
        one = await visit(house, "root", scripts=False)
        await one.go("/trash")
        await one.page.get_by_role("link", name="Older").click()
        await one.page.get_by_role("button", name="Restore report.txt").click()
        await expect(one.page.locator(".alert-success")).to_contain_text("It is back")
        await one.page.get_by_role("link", name="Delete photos").click()
        await one.page.get_by_role("button", name="Delete for good").click()
        await expect(one.page.locator(".alert-success")).to_contain_text("gone for good")
        assert len(await house.world.catalog.trashed()) == 2


async def test_half_done_upload_is_given_up(visit: Visiting) -> None:
    async with open_house() as house:
        who = replace(ANNA, account=house.known["anna"])
        writer = await house.world.begin(NewUpload("film.bin", size=5000), who)
        await writer.release()
        one = await visit(house, "anna", width=360)
        await one.go("/uploads")
        await one.page.get_by_role("button", name="Give up the upload of film.bin").click()
        await expect(one.page.locator(".alert-success")).to_contain_text("given up")
