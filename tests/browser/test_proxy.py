"""The pages behind nginx, below a path, as docs/proxy.md prints it: nothing is asked for beside that path."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Page, Response, expect

from fileshare.web.keys import WebSettings
from fileshare.web.navigation import MENU
from tests.browser.conftest import Visiting
from tests.browser.file_trees import png, put, who
from tests.browser.gate import Gate, open_gate
from tests.browser.test_uploads import MIB, choose, data_of, write
from tests.nginx import PREFIX, Nginx
from tests.web.house import House, open_house

ADDRESSES = """() => [...document.querySelectorAll("[href],[src],[action],[formaction]")].flatMap(
  (one) => ["href", "src", "action", "formaction"].map((name) => one.getAttribute(name)).filter(Boolean))"""

PAGES = """() => [...document.querySelectorAll("a[href]:not([download])")]
  .map((link) => link.href.split("#")[0]).filter((url) => !/[?&]zip/.test(url))"""

Kind = tuple[str, frozenset[str]]


def kind_of(url: str) -> Kind:
    """Pages that differ only in what their parameters say are looked at once."""
    parts = urlsplit(url)
    return parts.path, frozenset(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))


@asynccontextmanager
async def house_behind(folder: Path) -> AsyncIterator[tuple[House, Gate]]:
    """Its address is nginx's; the gate stands between nginx and the house."""
    nginx = Nginx(folder / "nginx")
    settings = WebSettings(public_url=nginx.url, trusted_proxies=(ip_network("127.0.0.1"),))
    async with open_house(settings) as house, open_gate(house.url) as gate:
        try:
            await asyncio.to_thread(nginx.start, gate.url)
            house.url = nginx.url
            yield house, gate
        finally:
            await asyncio.to_thread(nginx.stop)


class Asked:
    """What a page asked for that is not below the prefix, or was refused."""

    def __init__(self, page: Page, url: str) -> None:
        self.wrong: list[str] = []
        self.count = 0
        self._url = url
        page.on("response", self._note)

    def _note(self, answer: Response) -> None:
        self.count += 1
        if answer.status >= 400 or not answer.url.startswith((f"{self._url}/", "blob:", "data:")):
            self.wrong.append(f"{answer.status} {answer.url}")


async def test_every_page_that_is_linked_to_stays_below_the_prefix(visit: Visiting, tmp_path: Path) -> None:
    async with house_behind(tmp_path) as (house, _):
        await put(house, "Plans/a&b #1?.txt", b"some text")
        await put(house, "beach.png", png(64, 40))
        one = await visit(house)
        asked = Asked(one.page, house.url)
        await one.log_in("root")
        await expect(one.page.locator("#files")).to_be_visible()
        seen, left = set[Kind](), [one.page.url]
        while left:
            url = left.pop()
            if kind_of(url) in seen:
                continue
            seen.add(kind_of(url))
            await one.page.goto(url)
            told = await one.page.evaluate(ADDRESSES)
            assert [text for text in told if not text.startswith((f"{PREFIX}/", "#", "?"))] == [], url
            left += await one.page.evaluate(PAGES)
        assert {f"{PREFIX}{item.path}" for item in MENU} <= {path for path, _ in seen}
        assert asked.count > len(seen)
        assert asked.wrong == []


async def test_queue_and_dialogs_work_below_the_prefix(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    async with house_behind(tmp_path) as (house, gate):
        one = await visit(house)
        page, asked = one.page, Asked(one.page, house.url)
        await one.log_in("anna")
        await page.get_by_role("link", name="New folder").click()
        await page.get_by_label("Name of the folder").fill("Plans")
        await page.keyboard.press("Enter")
        await page.locator('#listing tr[data-path="Plans"] a').first.click()
        await page.wait_for_url(f"{house.url}/files/Plans/")
        await gate.allow(9 * MIB)
        await choose(page, write(tmp_path / "large.bin", data))
        await gate.full()
        await page.get_by_role(
            "link", name="Uploads", exact=True
        ).click()  # the page is swapped, the upload goes on
        await expect(page).to_have_url(f"{house.url}/uploads")
        await gate.allow(None)
        await expect(page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("Plans/large.bin") == data
        await page.locator("#queue").get_by_role("link", name="large.bin").click()
        await expect(page.get_by_role("heading", name="large.bin")).to_be_visible()
        assert asked.wrong == []


async def test_login_that_ends_amid_an_upload_is_renewed_below_the_prefix(
    visit: Visiting, tmp_path: Path
) -> None:
    data = data_of(20 * MIB)
    async with house_behind(tmp_path) as (house, gate):
        one = await visit(house)
        page = one.page
        one.expected_statuses |= {401}
        await one.log_in("anna")
        await page.wait_for_url(f"{house.url}/files/")
        await gate.allow(9 * MIB)
        await choose(page, write(tmp_path / "large.bin", data))
        await gate.full()
        one.expects_lost_requests = True
        await house.accounts.end_sessions(who(house, "root"), "anna")
        await gate.allow(None)
        await page.get_by_label("Password of anna").fill("correct horse")
        await page.keyboard.press("Enter")
        await expect(page.locator("#queue-heading")).to_have_text("1 file uploaded")
        assert await house.world.stored_bytes("large.bin") == data
