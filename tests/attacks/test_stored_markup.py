"""Markup in every field that strangers fill, and every page that may show one of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from fileshare.domain.model import Door
from fileshare.web.routes import TABLE
from tests.browser.file_trees import folder, put
from tests.web.house import PASSWORD, Browser, House, open_house
from tests.web.tus import tus_client

EVIL = "\"'><img src=x onerror=alert(1)>{{7777777*7777777}}"
COMPUTED = "60493815061729"
"""What a template would make of it, were it one: longer than what a token holds by chance."""

ADDRESSES = {
    "{name}": "anna",
    "{form:": "",
    "{source}": "server.log",
    "{folder:.+}": quote(EVIL),
    "{path:.+}": quote(f"{EVIL}/{EVIL}.txt"),
}


def pages() -> list[str]:
    """Every page there is, of files also what their queries lead to."""
    found = []
    for row in TABLE:
        if row.method != "GET" or row.path.startswith(("/static", "/tus", "/api", "/metrics", "/healthz")):
            continue
        path = row.path
        for pattern, value in ADDRESSES.items():
            path = path.replace(pattern, value)
        if "{" not in path:
            found.append(path)
    evil = quote(EVIL)
    return [
        *found,
        f"/files/?q={evil}",
        f"/files/{evil}/{evil}.txt?details",
        f"/files/{evil}/?sort=size&q={evil}",
        f"/audit?account={evil}&path={evil}&action={evil}",
        f"/logs?q={evil}",
        f"/login?next={evil}",
        f"/login?done={evil}",
        f"/files/{evil}-there-is-no-such",
        f"/move?path={evil}",
        f"/rename?path={evil}/{evil}.txt",
        f"/delete?path={evil}",
        f"/folders?folder={evil}",
        f"/trash/delete?id={evil}",
    ]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Every field that a stranger or a user can fill holds markup."""
    (tmp_path / "server.log").write_text("")
    async with open_house(logs=tmp_path) as house:
        await folder(house, EVIL)
        await put(house, f"{EVIL}/{EVIL}.txt", EVIL.encode())
        await put(house, f"{EVIL}.svg", EVIL.encode())
        anna = house.known["anna"]
        for name in (EVIL, f"{EVIL}2"):
            await house.accounts.issue_token(anna, name=name, address="127.0.0.1")
        async with tus_client(house) as tus:
            await tus.create(100, f"{EVIL}.half")
        async with house.browser() as stranger:
            await stranger.post("/login", username=EVIL, password=PASSWORD)
        await stranger_at_the_tcp_door(house)
        await house.world.shop.audit.flush()
        yield house


async def stranger_at_the_tcp_door(house: House) -> None:
    house.world.shop.audit.note(
        None,
        "login",
        EVIL,
        outcome="auth_failed",
        detail=EVIL,
        account=EVIL,
        address="127.0.0.1",
        door=Door.TCP,
    )


async def test_markup_is_text_on_every_page(house: House) -> None:
    shown = 0
    for name in ("root", "anna", None):
        async with house.browser(name) as browser:
            for path in pages():
                shown += await shows_text(browser, path)
    assert shown > 20  # pages that do show what they were given, as text


async def shows_text(browser: Browser, path: str) -> bool:
    _, text, answer = await browser.get(path)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        assert "<img src=x" not in text, path
        assert COMPUTED not in text, path
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    else:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith(("no-store", "private", "no-cache"))
    return "&lt;img src=x" in text
