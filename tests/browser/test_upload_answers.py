"""What the queue makes of the server's answers: lost ones, full disks, wrong checksums."""

from pathlib import Path

from playwright.async_api import Route, expect

from tests.browser.conftest import Visit, Visiting
from tests.browser.test_uploads import MIB, choose, data_of, write
from tests.web.house import House, open_house

FULL = '{"error": {"code": "no_space", "message": "The disk is full."}}'


async def answer_once(one: Visit, method: str, status: int, body: str = "{}") -> list[str]:
    """Have the first such request to `/tus/` answered so, without the server; tells which it was."""
    seen: list[str] = []

    async def answer(route: Route) -> None:
        if route.request.method != method or seen:
            await route.continue_()
            return
        seen.append(route.request.url)
        await route.fulfill(status=status, body=body, content_type="application/json")

    await one.page.route("**/tus/**", answer)
    return seen


async def at_home(house: House, visit: Visiting) -> Visit:
    one = await visit(house, "anna")
    await one.go("/files/")
    return one


async def test_lost_answer_to_a_whole_small_file_makes_no_second_one(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        one = await at_home(house, visit)
        one.expects_lost_requests = True
        lost: list[str] = []

        async def lose(route: Route) -> None:
            if lost:
                await route.continue_()
                return
            lost.append(route.request.url)
            await route.fetch()
            await route.abort("connectionreset")

        await one.page.route("**/tus/", lose)
        await choose(one.page, write(tmp_path / "a.txt", b"once"))
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert lost
        assert await house.world.catalog.count_files() == 1


async def test_full_disk_is_said_and_tried_again_by_hand(visit: Visiting, tmp_path: Path) -> None:
    async with open_house() as house:
        one = await at_home(house, visit)
        one.expected_statuses.add(507)
        await answer_once(one, "POST", 507, FULL)
        await choose(one.page, write(tmp_path / "a.txt", b"in the end"))
        await expect(one.page.locator(".queue-state")).to_have_text("The disk is full.")
        await one.page.get_by_role("button", name="Try again a.txt").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("a.txt") == b"in the end"


async def test_piece_with_a_wrong_checksum_is_sent_again_by_itself(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(6 * MIB)
    async with open_house() as house:
        one = await at_home(house, visit)
        one.expected_statuses.add(460)
        seen = await answer_once(one, "PATCH", 460)
        await choose(one.page, write(tmp_path / "a.bin", data))
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert seen
        assert await house.world.stored_bytes("a.bin") == data


async def test_upload_that_the_server_let_go_begins_anew(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(6 * MIB)
    async with open_house() as house:
        one = await at_home(house, visit)
        one.expected_statuses.add(404)
        await answer_once(one, "PATCH", 404)
        await choose(one.page, write(tmp_path / "a.bin", data))
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("a.bin") == data


async def test_name_with_markup_is_only_a_name(visit: Visiting, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.txt"
    async with open_house() as house:
        one = await at_home(house, visit)
        await choose(one.page, write(tmp_path / name, b"x"))
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        await expect(one.page.locator(".queue-name")).to_have_text(name)
