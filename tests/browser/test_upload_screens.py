"""The upload queue in every state that people meet, at both widths and in both themes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import expect

from fileshare.services.new_uploads import NewUpload
from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import EVIL, HEBREW, LONG, office, put, who
from tests.browser.gate import Gate, open_gate
from tests.browser.looks import in_every_look
from tests.browser.test_screens import keep_picture
from tests.browser.test_uploads import MIB, choose, data_of, drop, write
from tests.services.workshop import Bytes, World
from tests.web.house import House, open_house


@dataclass
class Scene:
    """Where a picture is taken."""

    house: House
    gate: Gate
    one: Visit
    folder: Path

    async def go(self, path: str = "/files/") -> None:
        await self.one.page.goto(self.gate.url + path)

    async def choose(self, *names: str, size: int = 3000) -> None:
        paths = [write(self.folder / "chosen" / name, data_of(size, name)) for name in names]
        await choose(self.one.page, *paths)

    async def heading(self, text: str) -> None:
        await expect(self.one.page.locator("#queue-heading")).to_have_text(text)


async def uploading(scene: Scene) -> None:
    await scene.gate.allow(6 * MIB)
    await scene.go()
    names = ("Budget 2027.xlsx", "minutes.docx", "holiday film.mp4", "archive.tar.gz", HEBREW)
    await scene.choose("notes.txt")
    await scene.heading("1 file uploaded")
    await scene.choose(*names, size=9 * MIB)
    await scene.gate.full()
    await expect(scene.one.page.locator("[data-phase=uploading]")).to_have_count(3)
    await scene.one.page.get_by_role("button", name="Pause archive.tar.gz").click()


async def paused(scene: Scene) -> None:
    await uploading(scene)
    await scene.one.page.get_by_role("button", name="Pause all").click()
    await scene.heading("Paused, 5 files to go")


async def stopping(scene: Scene) -> None:
    await uploading(scene)
    await scene.one.page.get_by_role("button", name="Cancel all").click()


async def folded(scene: Scene) -> None:
    await uploading(scene)
    await scene.one.page.locator("#queue-fold").click()


async def lost(scene: Scene) -> None:
    await uploading(scene)
    scene.one.expects_lost_requests = True
    await scene.gate.cut()
    await expect(scene.one.page.locator("#queue-lost")).to_be_visible()


async def logged_out(scene: Scene) -> None:
    await uploading(scene)
    scene.one.expected_statuses |= {401}
    scene.one.expects_lost_requests = True
    await scene.house.accounts.end_sessions(who(scene.house, "root"), "anna")
    await scene.gate.allow(None)
    await expect(scene.one.page.locator("#queue-login")).to_be_visible()


async def done(scene: Scene) -> None:
    await put(scene.house, "report.txt", b"another")
    await scene.go()
    await scene.choose("report.txt", EVIL, LONG[:200] + ".tar.gz", HEBREW)
    await scene.one.page.get_by_role("button", name="Go on", exact=True).click()
    await scene.heading("4 files uploaded")


async def failed(scene: Scene) -> None:
    scene.one.expected_statuses |= {400, 409, 413}
    await office(scene.house)
    await scene.go()
    await scene.choose("Photos", "back\\slash.txt", "fine.txt")
    await scene.choose("film.mp4", size=9 * MIB)
    await scene.heading("3 files failed")


async def conflicts(scene: Scene) -> None:
    names = ("report.txt", "Budget 2027.xlsx", EVIL, LONG[:200] + ".tar.gz")
    for name in names:
        await put(scene.house, name, b"another")
    await scene.go()
    await scene.choose(*names)
    await scene.one.page.get_by_text("Choose for each file").click()


async def offered(scene: Scene) -> None:
    anna = who(scene.house)
    for path, size in (
        (f"photos/{EVIL}", 4_200_000),
        (f"{LONG[:200]}.bin", 80_000_000),
        ("film.mp4", 2_000_000),
    ):
        writer = await scene.house.world.begin(NewUpload(path, size=size, digest="ab" * 32), anna)
        await writer.receive(Bytes([b"x" * 900_000]), 900_000)
        await writer.release()
    await scene.go()
    await expect(scene.one.page.locator("#half-done")).to_contain_text("3 uploads are half done.")


async def dragged(scene: Scene) -> None:
    await scene.go()
    await drop(scene.one.page, write(scene.folder / "a.txt", b"a"), kinds=("dragEnter", "dragOver"))
    await expect(scene.one.page.locator("#drop-zone")).to_be_hidden()  # no drag goes on by itself
    await scene.one.page.evaluate("document.getElementById('drop-zone').hidden = false")


Act = Callable[[Scene], Awaitable[None]]
SCENES: tuple[Act, ...] = (
    uploading,
    paused,
    stopping,
    folded,
    lost,
    logged_out,
    done,
    failed,
    conflicts,
    offered,
    dragged,
)


@in_every_look
@pytest.mark.parametrize("act", SCENES, ids=lambda act: act.__name__)
async def test_upload_screen(act: Act, width: int, dark: bool, visit: Visiting, tmp_path: Path) -> None:
    world = World(max_file_size=8 * MIB) if act is failed else None
    async with open_house(world=world) as house, open_gate(house.url) as gate:
        scene = Scene(house, gate, await visit(house, "anna", width=width, dark=dark), tmp_path)
        await act(scene)
        await scene.one.assert_fits()
        await scene.one.assert_accessible()
        name = f"uploads-{act.__name__.replace('_', '-')}-{width}-{'dark' if dark else 'light'}"
        await keep_picture(scene.one, name, full_page=False)
        scene.one.expects_lost_requests = True  # the server goes away before the browser
