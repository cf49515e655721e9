"""Uploads in a real browser: what arrives is what was chosen, whatever happens in between."""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import folder, put, who
from tests.browser.gate import Gate, open_gate
from tests.browser.trace import Trace
from tests.e2e.servers import Server
from tests.services.workshop import World
from tests.web.house import House, open_house

MIB = 2**20


def data_of(size: int, seed: str = "") -> bytes:
    """Bytes that repeat nowhere nearby, the same each time."""
    block = hashlib.shake_128(f"fileshare {seed}".encode()).digest(min(size, MIB))
    return b"".join(bytes([n % 251]) + block[1:] for n in range(-(-size // MIB)))[:size]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def choose(page: Page, *paths: Path) -> None:
    await page.locator("#choose-files").wait_for()  # the scripts are there: before, nobody hears of a choice
    await page.set_input_files("#queue-files", paths)


async def drop(page: Page, *paths: Path, kinds: Sequence[str] = ("dragEnter", "dragOver", "drop")) -> None:
    """As from the desktop: the browser itself reads what is there."""
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in kinds:
        await session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    await session.detach()


async def test_chosen_files_arrive_whole(visit: Visiting, tmp_path: Path) -> None:
    contents = {"empty.txt": b"", "small.txt": b"hello", "large.bin": data_of(9 * MIB + 5)}
    paths = [write(tmp_path / name, data) for name, data in contents.items()]
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/files/")
        await choose(one.page, *paths)
        await expect(one.page.locator("#queue-heading")).to_have_text("3 files uploaded")
        for name, data in contents.items():
            assert await house.world.stored_bytes(name) == data
            await expect(one.page.locator(f'#listing tr[data-path="{name}"]')).to_be_visible()
        version = (await house.world.catalog.entry("small.txt")).version  # type: ignore[union-attr]
        assert version.modified == pytest.approx(paths[1].stat().st_mtime * 1000, abs=2)


async def test_dropped_folders_arrive_with_the_empty_ones(visit: Visiting, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(120):
        write(tree / "many" / f"{number}.txt", f"number {number}".encode())
    (tree / "nothing" / "inside").mkdir(parents=True)
    loose = write(tmp_path / "loose.txt", b"loose")
    async with open_house() as house:
        await folder(house, "docs")
        one = await visit(house, "anna")
        await one.go("/files/docs/")
        await drop(one.page, tree, loose)
        await expect(one.page.locator("#queue-heading")).to_have_text("122 files uploaded", timeout=20_000)
        assert await house.world.stored_bytes("docs/tree/many/77.txt") == b"number 77"
        assert await house.world.stored_bytes("docs/loose.txt") == b"loose"
        assert (await house.world.catalog.entry("docs/tree/nothing/inside")).path


async def test_overlay_tells_where_a_drop_goes(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        await folder(house, "docs")
        one = await visit(house, "anna")
        await one.go("/files/docs/")
        await drop(one.page, write(tmp_path / "a", b"a"), kinds=("dragEnter", "dragOver"))
        await expect(one.page.locator("#drop-zone")).to_have_text("Drop to upload into docs")
        await expect(one.page.locator("#drop-zone")).to_be_hidden()


async def test_chosen_folder_keeps_its_paths(visit: Visiting, tmp_path: Path) -> None:
    write(tmp_path / "album" / "2026" / "ä b.txt", b"1")
    write(tmp_path / "album" / "#1?.txt", b"2")
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/files/")
        await one.page.set_input_files("#queue-folder", tmp_path / "album")
        await expect(one.page.locator("#queue-heading")).to_have_text("2 files uploaded")
        assert await house.world.stored_bytes("album/2026/ä b.txt") == b"1"
        await one.page.get_by_role("link", name="#1?.txt").click()
        await expect(one.page).to_have_url(f"{house.url}/files/album/%231%3F.txt?details")


async def test_pasted_picture_gets_the_time_as_its_name(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/files/")
        await one.page.evaluate("""() => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File(["picture"], "image.png", {type: "image/png"}));
          document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
        }""")
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        (entry,) = (await house.world.catalog.walk("", 10, None)).entries
        assert entry.path.startswith("Pasted 20")
        assert entry.path.endswith(".png")


async def clash(house: House, visit: Visiting, tmp_path: Path) -> Visit:
    """Three files chosen, of which one is there with the same content, and one with another."""
    await put(house, "same.txt", b"same")
    await put(house, "other.txt", b"theirs")
    one = await visit(house, "anna")
    await one.go("/files/")
    files = {"same.txt": b"same", "other.txt": b"our content", "new.txt": b"new"}
    await choose(one.page, *(write(tmp_path / name, data) for name, data in files.items()))
    await expect(one.page.get_by_role("dialog")).to_contain_text("“other.txt” here already")
    return one


@pytest.mark.parametrize("answer", ["Keep both", "Replace", "Skip"])
async def test_conflicts_are_asked_once_and_settled(answer: str, visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        one = await clash(house, visit, tmp_path)
        await one.assert_accessible()
        await one.page.get_by_role("radio", name=answer).check()
        await one.page.get_by_role("button", name="Go on", exact=True).click()
        count = 2 if answer == "Skip" else 3
        await expect(one.page.locator("#queue-heading")).to_have_text(f"{count} files uploaded")
        await expect(one.page.locator("#queue-list")).to_contain_text("same content is here already")
        assert await house.world.stored_bytes("new.txt") == b"new"
        theirs = b"our content" if answer == "Replace" else b"theirs"
        assert await house.world.stored_bytes("other.txt") == theirs
        paths = {entry.path for entry in (await house.world.catalog.walk("", 10, None)).entries}
        assert ("other_v2.txt" in paths) == (answer == "Keep both")
        if answer == "Keep both":
            await expect(one.page.locator("#queue-list")).to_contain_text("Uploaded as other_v2.txt")
        assert "same_v2.txt" not in paths


async def test_closing_the_question_leaves_what_is_there(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        one = await clash(house, visit, tmp_path)
        await one.page.keyboard.press("Escape")
        await expect(one.page.locator("#queue-heading")).to_have_text("2 files uploaded")
        assert await house.world.stored_bytes("other.txt") == b"theirs"


async def test_each_conflict_may_have_its_own_answer(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        for name in ("a.txt", "b.txt"):
            await put(house, name, b"theirs")
        one = await visit(house, "anna")
        await one.go("/files/")
        await choose(one.page, *(write(tmp_path / name, b"ours") for name in ("a.txt", "b.txt")))
        await one.page.get_by_text("Choose for each file").click()
        await one.page.get_by_label("What to do with b.txt").select_option("Replace")
        await one.page.get_by_role("button", name="Go on", exact=True).click()
        await expect(one.page.locator("#queue-heading")).to_have_text("2 files uploaded")
        assert await house.world.stored_bytes("a.txt") == b"theirs"
        assert await house.world.stored_bytes("a_v2.txt") == b"ours"
        assert await house.world.stored_bytes("b.txt") == b"ours"


async def half_way(house: House, gate: Gate, visit: Visiting, source: Path) -> tuple[Visit, Trace]:
    """A large file of which some pieces are acknowledged, and the next is on its way."""
    one = await visit(house, "anna")
    trace = Trace(one.page)
    await gate.allow(9 * MIB)
    await one.page.goto(f"{gate.url}/files/")
    await choose(one.page, source)
    await gate.full()
    return one, trace


async def test_pause_and_resume_send_no_acknowledged_byte_again(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(30 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        await one.page.get_by_role("button", name="Pause large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("Paused, 1 file to go")
        await gate.allow(None)
        await one.page.get_by_role("button", name="Go on with large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_upload_goes_on_by_itself_when_the_network_is_back(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(30 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        one.expects_lost_requests = True
        await gate.cut()
        await expect(one.page.locator("#queue-lost")).to_be_visible()
        await expect(one.page.locator("#queue-said")).to_contain_text("can’t be reached")
        await gate.mend()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_reload_then_the_same_file_goes_on_where_it_stopped(visit: Visiting, tmp_path: Path) -> None:
    data, source = data_of(30 * MIB), tmp_path / "large.bin"
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(source, data))
        one.expects_dialogs = True
        await one.page.reload()
        await gate.allow(None)
        notice = one.page.locator("#half-done")
        await expect(notice).to_contain_text("1 upload is half done.")
        await expect(notice).to_contain_text("large.bin")
        await choose(one.page, source)
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        await expect(notice).to_be_hidden()
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)
        assert gate.passed < 30 * MIB + 10 * MIB


async def test_dropped_file_is_found_again_by_itself_after_a_reload(visit: Visiting, tmp_path: Path) -> None:
    data, source = data_of(20 * MIB), tmp_path / "large.bin"
    async with open_house() as house, open_gate(house.url) as gate:
        one = await visit(house, "anna")
        one.expects_dialogs = True
        trace = Trace(one.page)
        await gate.allow(9 * MIB)
        await one.page.goto(f"{gate.url}/files/")
        await drop(one.page, write(source, data))
        await gate.full()
        await one.page.reload()
        await gate.allow(None)
        await one.page.get_by_role("button", name="Go on: large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_notice_takes_the_file_back_to_its_folder(visit: Visiting, tmp_path: Path) -> None:
    data, source = data_of(20 * MIB), tmp_path / "large.bin"
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(source, data))
        one.expects_dialogs = True
        await one.page.goto(f"{gate.url}/account")
        await gate.allow(None)
        async with one.page.expect_file_chooser() as chooser:
            await one.page.get_by_role("button", name="Choose: large.bin").click()
        wrong = write(tmp_path / "wrong" / "large.bin", b"short")
        await (await chooser.value).set_files([wrong])
        await expect(one.page.locator("#half-done-said")).to_contain_text("None of these")
        async with one.page.expect_file_chooser() as chooser:
            await one.page.get_by_role("button", name="Choose the file").click()
        await (await chooser.value).set_files([source])
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_given_up_upload_is_gone_at_the_server(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house, open_gate(house.url) as gate:
        one, _ = await half_way(house, gate, visit, write(tmp_path / "large.bin", data_of(20 * MIB)))
        await one.page.get_by_role("button", name="Cancel large.bin").click()
        await one.assert_accessible()
        await one.page.get_by_role("button", name="Give up").click()
        await expect(one.page.locator("#queue")).to_be_hidden()
        await expect_no_upload(house)


async def test_stopped_upload_is_kept_and_offered(visit: Visiting, tmp_path: Path) -> None:
    data, source = data_of(20 * MIB), tmp_path / "large.bin"
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(source, data))
        await one.page.get_by_role("button", name="Cancel all").click()
        await one.page.get_by_role("button", name="Stop, and keep what arrived").click()
        await expect(one.page.locator("#half-done")).to_contain_text("1 upload is half done.")
        await gate.allow(None)
        await choose(one.page, source)
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_what_was_cancelled_while_it_waited_is_never_sent(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house, open_gate(house.url) as gate:
        one, _ = await half_way(house, gate, visit, write(tmp_path / "large.bin", data_of(20 * MIB)))
        names = [f"{number}.bin" for number in range(8)]
        await choose(one.page, *(write(tmp_path / name, data_of(5 * MIB, name)) for name in names))
        await expect(one.page.locator(".queue-row")).to_have_count(9)
        for name in names:
            await one.page.get_by_role("button", name=f"Cancel {name}").press("Enter")
        await expect(one.page.locator(".queue-row")).to_have_count(1)
        await expect(one.page.get_by_role("button", name="Pause large.bin")).to_be_focused()
        await gate.allow(None)
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.catalog.count_files() == 1


async def expect_no_upload(house: House) -> None:
    async with house.browser("anna") as browser:
        for _ in range(100):
            _, text, _ = await browser.get("/api/v1/uploads")
            if json.loads(text)["uploads"] == []:
                return
    raise AssertionError("the upload is still there")


async def test_browsing_on_keeps_the_queue_alive(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        await folder(house, "docs")
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        page = one.page
        await page.evaluate("window.loadedOnce = true")
        await page.locator('[data-path="docs"] .entry').click()
        await expect(page.get_by_role("heading", name="docs")).to_be_visible()
        await expect(page.locator("main")).to_be_focused()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Files").click()
        await expect(page.locator('[data-path="docs"]')).to_be_visible()
        await page.get_by_role("link", name="anna").click()
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        assert page.url == f"{gate.url}/account"
        await expect(page).to_have_title(re.compile(r"^\d+ % · Your account"))
        await page.go_back()
        await expect(page.locator("#choose-files")).to_be_visible()  # shown when the scripts are there
        await page.go_back()
        await expect(page.get_by_role("heading", name="docs")).to_be_visible()
        await choose(page, write(tmp_path / "note.txt", b"a note"))
        await gate.allow(None)
        await expect(page.locator("#queue-heading")).to_have_text("2 files uploaded")
        await expect(page).to_have_title(re.compile("^docs"))
        assert await page.evaluate("window.loadedOnce") is True
        assert await house.world.stored_bytes("large.bin") == data
        assert await house.world.stored_bytes("docs/note.txt") == b"a note"
        assert trace.again == []


async def test_leaving_while_something_runs_is_asked_about(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house, open_gate(house.url) as gate:
        one, _ = await half_way(house, gate, visit, write(tmp_path / "large.bin", data_of(20 * MIB)))
        await one.page.locator("main").click(
            position={"x": 5, "y": 5}
        )  # browsers guard only what was touched
        one.expects_dialogs = one.expects_lost_requests = True
        async with one.page.expect_event("dialog") as told:
            await one.page.close(run_before_unload=True)
        assert (await told.value).type == "beforeunload"


async def end_login(house: House, gate: Gate, one: Visit) -> None:
    """An admin ends anna's sessions in mid-upload, and the queue has noticed."""
    one.expected_statuses |= {401}
    one.expects_lost_requests = True
    await house.accounts.end_sessions(who(house, "root"), "anna")
    await gate.allow(None)
    await expect(one.page.locator("#queue-login")).to_be_visible()


async def test_ended_login_is_asked_for_and_nothing_is_lost(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        await end_login(house, gate, one)
        page = one.page
        await one.assert_accessible()
        await page.get_by_label("Password of anna").fill("wrong one")
        await page.locator("#queue-login").get_by_role("button", name="Log in").click()
        await expect(page.locator("#queue-wrong")).to_contain_text("is wrong")
        await page.get_by_label("Password of anna").fill("correct horse")
        await page.keyboard.press("Enter")
        await expect(page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_login_in_another_tab_is_enough_to_go_on(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        await end_login(house, gate, one)
        secret, _ = await house.accounts.open_session(house.known["anna"], address="127.0.0.1")
        await one.context.add_cookies([{"name": "fileshare", "value": secret, "url": gate.url}])
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
        assert (trace.again, trace.created) == ([], 1)


async def test_page_without_a_secure_context_uploads_as_well(visit: Visiting, tmp_path: Path) -> None:
    contents = {"small.bin": data_of(MIB), "large.bin": data_of(9 * MIB + 7)}
    async with open_house() as house:
        one = await visit(house)
        address = house.url.replace("127.0.0.1", "files.test")
        secret, _ = await house.accounts.open_session(house.known["anna"], address="127.0.0.1")
        await one.context.add_cookies([{"name": "fileshare", "value": secret, "url": address}])
        await one.page.goto(f"{address}/files/")
        assert await one.page.evaluate("isSecureContext") is False
        await choose(one.page, *(write(tmp_path / name, data) for name, data in contents.items()))
        await expect(one.page.locator("#queue-heading")).to_have_text("2 files uploaded")
        for name, data in contents.items():
            assert await house.world.stored_bytes(name) == data
        one.complaints = [text for text in one.complaints if "Cross-Origin-Opener-Policy" not in text]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real process, which can be killed."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    server = Server(data_dir).start()
    yield server
    server.kill_if_alive()


async def test_server_killed_and_started_again_gets_only_the_rest(
    server: Server, visit: Visiting, tmp_path: Path
) -> None:
    data, source = data_of(30 * MIB), tmp_path / "large.bin"
    async with open_house() as nobody, open_gate(server.web) as gate:
        one = await visit(nobody)
        one.expects_lost_requests = True
        trace = Trace(one.page)
        await gate.allow(9 * MIB)
        await log_in(one.page, gate.url)
        await choose(one.page, write(source, data))
        await gate.full()
        await asyncio.to_thread(server.kill)
        await gate.cut()
        await expect(one.page.locator("#queue-lost")).to_be_visible()
        await asyncio.to_thread(server.restart)
        gate.target = ("127.0.0.1", int(server.web.rsplit(":", 1)[1]))
        await gate.mend()
        await one.page.get_by_role("button", name="Try now").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded", timeout=20_000)
        assert (trace.again, trace.created) == ([], 1)
        digest = hashlib.sha256(data).hexdigest()
        assert (server.data_dir / "blobs" / digest[:2] / digest).read_bytes() == data


async def log_in(page: Page, url: str) -> None:
    """As the administrator, with a password of their own."""
    await page.goto(f"{url}/login")
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password").fill("admin123")
    await page.locator("main").get_by_role("button", name="Log in").click()
    await page.get_by_label("Current password").fill("admin123")
    await page.get_by_label("New password", exact=True).fill("a whole new sentence")
    await page.get_by_label("New password again").fill("a whole new sentence")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.locator("#files")).to_be_visible()


async def test_refusals_are_told_and_may_be_tried_again(visit: Visiting, tmp_path: Path) -> None:
    world = World(max_file_size=MIB)
    async with open_house(world=world) as house:
        await folder(house, "taken")
        one = await visit(house, "anna")
        one.expected_statuses |= {400, 409, 413}
        await one.go("/files/")
        large, taken = write(tmp_path / "large.bin", data_of(2 * MIB)), write(tmp_path / "taken", b"x")
        bad = write(tmp_path / "back\\slash.txt", b"x")
        good = write(tmp_path / "good.txt", b"x")
        await choose(one.page, large, taken, bad, good)
        rows = one.page.locator("#queue-list")
        await expect(one.page.locator("#queue-heading")).to_have_text("3 files failed")
        await expect(rows).to_contain_text("A folder has this name already.")
        await expect(rows).to_contain_text("larger than")
        await expect(rows).to_contain_text("backslash")
        await expect(one.page.locator("#queue-said")).to_have_text("1 file uploaded, 3 failed.")
        await one.assert_accessible()
        await one.page.get_by_role("button", name="Try all failed again").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("3 files failed")
        await one.page.get_by_role("button", name="Close the list").click()
        await expect(one.page.locator("#queue")).to_be_hidden()


async def test_file_changed_since_it_was_chosen_is_told(visit: Visiting, tmp_path: Path) -> None:
    source = write(tmp_path / "large.bin", data_of(20 * MIB))
    async with open_house() as house, open_gate(house.url) as gate:
        one, _ = await half_way(house, gate, visit, source)
        one.expects_lost_requests = True
        await one.page.get_by_role("button", name="Pause large.bin").click()
        source.write_bytes(data_of(20 * MIB, "another"))
        await gate.allow(None)
        await one.page.get_by_role("button", name="Go on with large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file failed")
        await expect(one.page.locator("#queue-list")).to_contain_text("changed, moved or deleted")


async def test_keyboard_alone_pauses_goes_on_and_folds(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house, open_gate(house.url) as gate:
        one, _ = await half_way(house, gate, visit, write(tmp_path / "large.bin", data_of(20 * MIB)))
        page = one.page
        await page.locator("#queue-fold").focus()
        for key in ("Enter", "Enter", "Tab", "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#queue-heading")).to_have_text("Paused, 1 file to go")
        await gate.allow(None)
        await expect(page.locator("#queue-fold")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Go on with all")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#queue-heading")).to_have_text("1 file uploaded")


async def test_many_files_are_shown_a_page_at_a_time(visit: Visiting, tmp_path: Path) -> None:
    for number in range(250):
        write(tmp_path / "many" / f"{number:03}.txt", str(number).encode())
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/files/")
        await drop(one.page, tmp_path / "many")
        await expect(one.page.locator("#queue-heading")).to_have_text("250 files uploaded", timeout=20_000)
        assert await house.world.catalog.count_files() == 250
        rows, earlier = one.page.locator(".queue-row"), one.page.get_by_role("button", name="earlier files")
        while await earlier.is_visible():
            await earlier.click()
        await expect(rows).to_have_count(100)
        await expect(rows.first).to_contain_text("000.txt")
        await one.page.get_by_role("button", name="150 later files").click()
        await expect(rows.first).to_contain_text("100.txt")
        await one.assert_accessible()
