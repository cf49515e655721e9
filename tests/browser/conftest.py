"""A real Chromium for the tests of pages: one process for all of them, a fresh profile for each.

Whatever a page logs as an error, throws, or asks by a dialog fails the test that saw it.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser as Chromium
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    async_playwright,
    expect,
)

from tests.web.house import PASSWORD, House

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1",  # plain HTTP elsewhere than on loopback: no secure context
)

HERE = Path(__file__).parent

expect.set_options(timeout=30_000)  # on a busy machine a browser takes longer than its 5 s to empty a cache


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests in this folder, since the browser lives in it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail(
            "These tests drive Chromium: install Debian's package chromium (make test does, as root)."
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        await browser.close()


class Visit:
    """One person's browser at one house, and what it complained of."""

    def __init__(self, house: House, context: BrowserContext, page: Page) -> None:
        self.house = house
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        self.expected_statuses: set[int] = set()
        """Refusals that the test is about; Chromium logs each as an error."""
        self.expects_lost_requests = False
        """Whether the line breaks; Chromium logs each request without an answer."""
        self.expects_dialogs = False
        """Whether the page asks before it is left; the answer is yes."""
        page.on("console", self._console)
        page.on("pageerror", self._thrown)
        page.on("dialog", self._dialog)

    async def go(self, path: str) -> None:
        await self.page.goto(self.house.url + path)

    async def be(self, name: str) -> None:
        """Come with a living session, without the form."""
        secret, _ = await self.house.accounts.open_session(self.house.known[name], address="127.0.0.1")
        await self.context.add_cookies([{"name": "fileshare", "value": secret, "url": self.house.url}])

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        """By the form, as a person does."""
        await self.go("/login")
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.locator("main").get_by_role("button", name="Log in").click()

    async def assert_fits(self) -> None:
        """Nothing is wider than the window."""
        over = await self.page.evaluate(OVERFLOWING)
        assert not over, f"{self.page.url} overflows: {over}"

    async def assert_accessible(self) -> None:
        """axe-core finds no violation of any rule it knows."""
        await self.page.evaluate(AXE)
        found = await self.page.evaluate(VIOLATIONS)
        assert not found, f"{self.page.url}: {found}"

    def _console(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status}" in message.text for status in self.expected_statuses)
        # At a test's end the server goes before the browser, in which something may still be asked.
        if "net::ERR_" in message.text and (self.expects_lost_requests or "REFUSED" in message.text):
            return
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)

    def _thrown(self, error: Error) -> None:
        self.complaints.append(str(error))

    async def _dialog(self, dialog: Dialog) -> None:
        if self.expects_dialogs:
            await dialog.accept()
        else:
            self.complaints.append(f"dialog: {dialog.message}")
            await dialog.dismiss()


AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()

VIOLATIONS = """() => axe.run({resultTypes: ["violations"]}).then((found) => found.violations.map(
  (v) => [v.id, v.help, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + n.failureSummary)]))"""

OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > width + 0.5)
    .slice(-5).map((e) => e.outerHTML.slice(0, 120));
}"""

Visiting = Callable[..., Coroutine[Any, Any, Visit]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Chromium) -> AsyncIterator[Visiting]:
    """`await visit(house, name, width=360, dark=True, scripts=False)`: a fresh browser, as `name`."""
    visits: list[Visit] = []

    async def start(
        house: House,
        name: str | None = None,
        *,
        width: int = 1440,
        dark: bool = False,
        scripts: bool = True,
        zone: str = "UTC",
    ) -> Visit:
        context = await chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale="en-GB",
            timezone_id=zone,
            ignore_https_errors=True,  # a proxy before the house has a certificate of its own making
        )
        one = Visit(house, context, await context.new_page())
        visits.append(one)
        if name is not None:
            await one.be(name)
        return one

    yield start
    for one in visits:
        await one.context.close()
    assert [complaint for one in visits for complaint in one.complaints] == []
