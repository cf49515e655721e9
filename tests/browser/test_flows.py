"""What people do on the pages of accounts, users and logs, by keyboard, with scripts and without."""

from pathlib import Path

from playwright.async_api import Page, expect

from fileshare.domain.model import Role
from tests.browser.conftest import Visiting
from tests.storage.test_log_files import line
from tests.web.house import open_house

NEW = "a whole new sentence"


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_person_logs_in_and_out_by_keyboard_alone(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house)
        await one.go("/account")
        await one.page.keyboard.type("anna")
        await press(one.page, "Tab")
        await one.page.keyboard.type("correct horse")
        await press(one.page, "Enter")
        await expect(one.page.get_by_role("heading", name="Your account")).to_be_visible()
        await press(one.page, "Tab", "Enter")
        await expect(one.page.locator("main")).to_be_focused()
        button = one.page.get_by_role("button", name="Log out")
        await button.focus()
        await press(one.page, "Enter")
        await expect(one.page.get_by_role("status").first).to_have_text("You are logged out.")


async def test_wrong_password_is_said_and_the_name_kept(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house)
        one.expected_statuses.add(401)
        await one.log_in("anna", "wrong one")
        await expect(one.page.get_by_role("alert")).to_contain_text("is wrong")
        await expect(one.page.get_by_label("Name")).to_have_value("anna")
        await expect(one.page.get_by_label("Password")).to_be_focused()
        await expect(one.page.get_by_label("Password")).to_have_value("")


async def test_default_password_is_changed_before_anything_else(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house)
        await one.log_in("admin", "admin123")
        await one.go("/users")
        await expect(one.page.get_by_role("heading", name="Change your password")).to_be_visible()
        await one.page.get_by_label("Current password").fill("admin123")
        await one.page.get_by_label("New password", exact=True).fill(NEW)
        await one.page.get_by_label("New password again").fill(NEW)
        await one.page.get_by_role("button", name="Change password").click()
        await expect(one.page.get_by_role("status").first).to_contain_text("Your password is changed")
        await one.go("/users")
        await expect(one.page.get_by_role("heading", name="Users")).to_be_visible()


async def test_admin_manages_users_without_scripts(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, scripts=False, width=360)
        page = one.page
        await one.log_in("root")
        await page.get_by_role("link", name="Users").click()
        await page.get_by_label("Name").fill("zoë")
        await page.locator("main").get_by_label("Password").fill(NEW)
        await page.get_by_role("button", name="Add user").click()
        await expect(page.get_by_role("status").first).to_have_text("The account is there.")
        await page.get_by_role("link", name="Manage zoë").click()
        await page.get_by_role("button", name="Make an admin").click()
        await expect(page.get_by_role("status").first).to_contain_text("The role is changed")
        assert (await house.store.login("zoë")).account.role is Role.ADMIN
        await page.get_by_label("Type zoë to confirm").fill("zoë")
        await page.get_by_role("button", name="Delete zoë").click()
        await expect(page.get_by_role("status").first).to_contain_text("is deleted")
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_log_is_followed_paused_and_followed_again(visit: Visiting, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(line(1))
    async with open_house(logs=tmp_path) as house:
        one = await visit(house, "root")
        one.expected_statuses.add(503)
        page = one.page
        await page.clock.install()
        await one.go("/logs")
        await page.get_by_role("button", name="Follow live").click()
        await expect(page.locator("#follow-state")).to_contain_text("Following")
        with log.open("a") as file:
            file.write(line(2, message="<img src=x onerror=alert(1)> came"))
        await page.clock.fast_forward(2500)
        await expect(page.get_by_role("row").nth(1)).to_contain_text("<img src=x onerror=alert(1)> came")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator("#follow-state")).to_have_text("Paused.")
        with log.open("a") as file:
            file.write(line(3, message="later"))
        await page.clock.fast_forward(10_000)
        await expect(page.get_by_text("later")).to_have_count(0)
        await page.get_by_role("button", name="Follow live").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("later")


async def test_open_details_stay_open_while_the_log_is_followed(visit: Visiting, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(line(1, trace="Traceback: here"))
    async with open_house(logs=tmp_path) as house:
        one = await visit(house, "root")
        page = one.page
        await page.clock.install()
        await one.go("/logs")
        await page.get_by_text("Details").click()
        await page.get_by_role("button", name="Follow live").click()
        with log.open("a") as file:
            file.write(line(2, message="came"))
        await page.clock.fast_forward(2500)
        await expect(page.get_by_text("Traceback: here")).to_be_visible()
        await expect(page.get_by_text("came")).to_have_count(0)
        await page.get_by_text("Details").click()
        await page.get_by_role("button", name="Pause").focus()
        await page.clock.fast_forward(2500)
        await expect(page.get_by_text("came")).to_be_visible()


async def test_logs_are_filtered_without_scripts(visit: Visiting, tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text(line(1) + line(2, level="error"))
    async with open_house(logs=tmp_path) as house:
        one = await visit(house, "root", scripts=False)
        await one.go("/logs")
        await expect(one.page.get_by_role("button", name="Follow live")).to_be_hidden()
        await one.page.get_by_label("At least").select_option("warning")
        await one.page.get_by_label("Until (UTC)").fill("2026-12-31T23:59")
        await one.page.get_by_role("button", name="Show").click()
        await expect(one.page.get_by_role("row")).to_have_count(2)
        await expect(one.page.get_by_label("Until (UTC)")).to_have_value("2026-12-31T23:59")


async def test_checks_of_this_suite_find_what_is_wrong(visit: Visiting) -> None:
    """A page made bad on purpose: otherwise a check that finds nothing proves nothing."""
    async with open_house() as house:
        one = await visit(house, width=360)
        await one.go("/login")
        await one.page.evaluate(
            """() => { const wide = document.createElement("div"); wide.style.width = "900px";
            wide.style.height = "1px"; document.querySelector("main").append(wide);
            document.documentElement.lang = ""; }"""
        )
        for check in (one.assert_fits, one.assert_accessible):
            try:
                await check()
            except AssertionError:
                continue
            raise RuntimeError(f"{check} found nothing")
        await one.page.evaluate("console.error('wrong')")
        assert any("wrong" in complaint for complaint in one.complaints)
        one.complaints.clear()


async def test_logs_are_filtered_by_time_in_the_readers_own_zone(visit: Visiting, tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text(line(1) + line(2))  # the first seconds of 2026, in UTC
    async with open_house(logs=tmp_path) as house:
        one = await visit(house, "root", zone="America/New_York")
        page = one.page
        await one.go("/logs")
        await expect(page.locator("#rows time").first).to_have_text("31/12/2025, 19:00:00")
        await page.get_by_label("From", exact=True).fill("2025-12-31T18:59")
        await page.get_by_label("Until", exact=True).fill("2025-12-31T19:01")
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_role("row")).to_have_count(3)
        assert "since=2025-12-31T23%3A59&until=2026-01-01T00%3A01" in page.url
        await expect(page.get_by_label("From", exact=True)).to_have_value("2025-12-31T18:59")
        await page.get_by_label("From", exact=True).fill("2025-12-31T19:01")
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_text("No line matches.")).to_be_visible()


async def test_form_that_is_pressed_twice_is_sent_once(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "root")
        sent: list[str] = []
        one.page.on("request", lambda request: sent.append(request.method))
        await one.go("/users")
        await one.page.get_by_label("Name").fill("carl")
        await one.page.locator("main").get_by_label("Password").fill(NEW)
        await one.page.evaluate(
            """() => { const form = document.querySelector("main form");
            form.requestSubmit(); form.requestSubmit(); }"""
        )
        await expect(one.page.get_by_role("status").first).to_have_text("The account is there.")
        assert sent.count("POST") == 1
        await one.page.go_back()
        await one.page.locator("main").get_by_label("Password").fill("short but new")
        await one.page.get_by_label("Name").fill("dora")
        await one.page.get_by_role("button", name="Add user").click()
        await expect(one.page.get_by_role("link", name="Manage dora")).to_be_visible()
