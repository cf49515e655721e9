"""Every page in every state that people meet: what there is of pictures, and that none is missing."""

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from fileshare.domain.access import Action
from fileshare.domain.model import Caller, Door, Role
from fileshare.errors import (
    AuthFailed,
    Conflict,
    Damaged,
    NoSpace,
    TooLarge,
    TooManyAttempts,
    Unavailable,
)
from fileshare.web.guards import Row
from fileshare.web.routes import TABLE
from tests.browser import test_file_screens, test_running_screens, test_screens, test_upload_screens
from tests.browser.conftest import Visit, Visiting
from tests.browser.file_trees import HEBREW, LONG, SWITCHED, office, who
from tests.browser.looks import LOOKS
from tests.browser.test_file_screens import FileScreen
from tests.browser.test_screens import keep_picture, log_lines
from tests.web.house import House, open_house

SMALL_AND_DARK = LOOKS if len(LOOKS) > 2 else LOOKS[1:]


async def many_users(house: House) -> None:
    root = who(house, "root")
    for name in ("x" * 64, "שלום.עולם", "zoë@example.org"):
        house.known[name] = await house.store.add(name, Role.ADMIN, "x", False, house.world.clock())
    await house.accounts.set_enabled(root, "bert", False)
    for path in (LONG, HEBREW, SWITCHED):
        house.world.shop.audit.note(root, Action.DELETE, path, detail="שלום " + LONG[:100])


async def last_admin(house: House) -> None:
    await house.accounts.set_role(who(house, "root"), "admin", Role.USER)


async def type_wrong_password(one: Visit) -> None:
    await one.log_in("anna", "wrong one")
    await one.page.get_by_role("alert").wait_for()


async def fail_too_often(house: House) -> None:
    for _ in range(10):
        with pytest.raises(AuthFailed):
            await house.accounts.log_in("anna", "wrong one", address="127.0.0.1", door=Door.WEB)


async def send_login(one: Visit) -> None:
    """Held back behind our own scripts: a navigation that hangs can't be looked at."""
    await one.page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    await one.page.get_by_label("Name").fill("anna")
    await one.page.get_by_label("Password").fill("correct horse")
    await one.page.keyboard.press("Enter")
    await one.page.locator("form[aria-busy=true]").wait_for()


async def hold(one: Visit, address: str) -> None:
    """Let no answer come to what is asked there from now on."""

    async def wait(_route: Route) -> None:
        pass

    await one.page.route(address, wait)


async def change_to(one: Visit, new: str) -> None:
    await one.page.get_by_label("Current password").fill("correct horse")
    for label in ("New password", "New password again"):
        await one.page.get_by_label(label, exact=True).fill(new)
    await one.page.get_by_role("button", name="Change password").click()
    await one.page.get_by_role("alert").wait_for()


async def choose_common_password(one: Visit) -> None:
    await change_to(one, "password1")


async def add_a_user_twice(one: Visit) -> None:
    await one.page.get_by_label("Name").fill("anna")
    await one.page.locator("main").get_by_label("Password").fill("correct horse")
    await one.page.get_by_role("button", name="Add user").click()
    await one.page.get_by_role("alert").wait_for()


async def demote_the_last_admin(one: Visit) -> None:
    await one.page.get_by_role("button", name="Make a user").click()
    await one.page.get_by_role("alert").wait_for()


async def follow(one: Visit) -> None:
    await one.page.get_by_role("button", name="Follow live").click()
    await expect(one.page.locator("#follow-state")).to_contain_text("Following")


async def lose_the_log(one: Visit) -> None:
    await one.page.route("**/logs", lambda route: route.fulfill(status=503))
    await one.page.get_by_role("button", name="Follow live").click()
    await expect(one.page.locator("#follow-state")).to_contain_text("Not reached")


async def search_and_wait(one: Visit) -> None:
    await hold(one, "**/files/?q=*")
    await one.page.get_by_role("searchbox").fill("report")
    await one.page.locator("#listing[aria-busy=true]").wait_for()


async def end_a_session_that_is_gone(one: Visit) -> None:
    anna = one.house.known["anna"]
    _, token = await one.house.accounts.issue_token(anna, name="laptop", address="192.0.2.1")
    await one.page.reload()
    await one.house.accounts.end_session(who(one.house), "anna", token.id)
    await one.page.get_by_role("button", name="End Token laptop").click()
    await expect(one.page.get_by_role("status").first).to_have_text("That session had ended already.")


SCREENS = (
    FileScreen("login-wrong", "/login", status=401, act=type_wrong_password),
    FileScreen("login-locked", "/login", None, fail_too_often, status=429, act=type_wrong_password),
    FileScreen("login-sending", "/login", act=send_login),
    FileScreen("login-session-over", "/login?next=/users&done=session_over"),
    FileScreen("password-forced", "/account/password", "admin"),
    FileScreen("password-refused", "/account/password", "anna", status=400, act=choose_common_password),
    FileScreen("account-refused", "/account", "anna", act=end_a_session_that_is_gone),
    FileScreen("users-full", "/users", "root", many_users),
    FileScreen("users-refused", "/users", "root", status=409, act=add_a_user_twice),
    FileScreen("user-refused", "/users/root", "root", last_admin, status=409, act=demote_the_last_admin),
    FileScreen("user-gone", "/users/nobody", "root", status=404),
    FileScreen("logs-following", "/logs", "root", act=follow),
    FileScreen("logs-offline", "/logs", "root", status=503, act=lose_the_log),
    FileScreen("audit-full", "/audit", "root", many_users),
    FileScreen("audit-none", "/audit?q=nothing", "root"),
    FileScreen("audit-wrong", "/audit?since=yesterday&door=web", "root", status=400),
    FileScreen("uploads-gone", "/uploads?done=upload_gone", "anna"),
    FileScreen("trash-gone", "/trash/delete?entry=9", "root"),
    FileScreen("files-searching-slowly", "/files/", "anna", office, act=search_and_wait),
    FileScreen("error-bad-method", "/account/sessions/end", "anna", status=405),
)

FAILURES = (
    Conflict(),
    Damaged(),
    NoSpace(),
    TooLarge(),
    TooManyAttempts(894),
    Unavailable(),
    RuntimeError("secret"),
)
"""One of each page of failure that no screen above shows."""


@pytest.mark.parametrize(("width", "dark"), SMALL_AND_DARK)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_screen_in_its_state(
    screen: FileScreen, width: int, dark: bool, visit: Visiting, tmp_path: Path
) -> None:
    log_lines(tmp_path)
    async with open_house(logs=tmp_path) as house:
        await screen.fill(house)
        one = await visit(house, screen.who, width=width, dark=dark)
        one.expected_statuses.add(screen.status)
        await one.go(screen.path)
        await screen.act(one)
        await one.assert_fits()
        await one.assert_accessible()
        await keep_picture(one, f"{screen.name}-{width}-{'dark' if dark else 'light'}")
        await one.page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(("width", "dark"), SMALL_AND_DARK)
@pytest.mark.parametrize("error", FAILURES if SMALL_AND_DARK is LOOKS else FAILURES[-1:], ids=repr)
async def test_screen_of_a_failure(
    error: Exception, width: int, dark: bool, visit: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_caller: Caller) -> None:
        raise error

    async with open_house() as house:
        one = await visit(house, "root", width=width, dark=dark)
        await one.go("/logs")
        one.expected_statuses |= set(range(400, 600))
        monkeypatch.setattr(house.accounts, "list", fail)
        await one.page.get_by_role("link", name="Users").click()
        await expect(one.page.get_by_role("link", name="Go back")).to_be_visible()
        assert "secret" not in await one.page.content()
        await one.assert_fits()
        await one.assert_accessible()
        name = f"error-{type(error).__name__.lower()}"
        await keep_picture(one, f"{name}-{width}-{'dark' if dark else 'light'}")


# The table of pages and states

SERVER = "the page comes whole from the server"
"""Nothing is fetched behind it, and its forms all wait as that of the login does."""
FORM = "nothing but a form stands there"

PAGES: dict[str, tuple[str, str, str, str]] = {
    # Page: empty, loading, full, failing. A name of a screen, or why there is none.
    "/login": ("login", "login-sending", FORM, "login-wrong"),
    "/logout": ("logout", SERVER, FORM, "forbidden"),
    "/account": ("account-empty", SERVER, "account-full", "account-refused"),
    "/account/password": ("password", SERVER, FORM, "password-refused"),
    "/users": ("users", SERVER, "users-full", "users-refused"),
    "/users/{name}": ("user-refused", SERVER, "user", "user-gone"),
    "/logs": ("logs-none", "logs-following", "logs", "logs-offline"),
    "/audit": ("audit-none", SERVER, "audit-full", "audit-wrong"),
    "/transfers": ("transfers-empty", SERVER, "transfers", "transfers-offline"),
    "/uploads": ("uploads-empty", SERVER, "uploads-all", "uploads-gone"),
    "/trash": ("trash-empty", SERVER, "trash", "trash-wrong"),
    "/trash/delete": (FORM, SERVER, "trash-delete", "trash-gone"),
    "/trash/empty": (FORM, SERVER, "trash-empty-page", "trash-gone"),
    "/folders": ("files-new-folder", SERVER, FORM, "files-new-folder-refused"),
    "/rename": (FORM, SERVER, "files-rename", "files-new-folder-refused"),
    "/move": (FORM, SERVER, "files-move", "file-gone"),
    "/delete": (FORM, SERVER, "files-delete", "file-gone"),
    "/files/": ("files-empty", "files-searching-slowly", "files-many", "files-offline"),
    "/files/{folder:.+}/": ("files-not-found", "files-searching-slowly", "files-deep", "files-folder-gone"),
    "/files/{path:.+}": ("file-empty", SERVER, "file-long", "file-gone"),
}

QUEUE = ("uploads-offered", "uploads-uploading", "uploads-done", "uploads-failed")
"""The floating queue, which is no page of its own."""

NO_PAGES = (
    "/api/",
    "/tus/",
    "/static/",
    "/healthz",
    "/metrics",
    "/logs/{source}/download",
    "/users/{name}/{form",
)
"""Beginnings of addresses that show nothing."""


def is_page(row: Row) -> bool:
    return row.method == "GET" and row.path != "/" and not row.path.startswith(NO_PAGES)


async def test_every_page_has_a_screen_for_each_of_its_states() -> None:
    screens = (*test_screens.SCREENS, *test_file_screens.SCREENS, *test_running_screens.SCREENS, *SCREENS)
    names = {screen.name for screen in screens}
    names |= {f"uploads-{scene.__name__.replace('_', '-')}" for scene in test_upload_screens.SCENES}
    assert {row.path for row in TABLE if is_page(row)} == set(PAGES)
    named = {name for states in (*PAGES.values(), QUEUE) for name in states}
    assert named - {SERVER, FORM} <= names
