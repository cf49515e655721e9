"""Finding out which accounts exist: by the answer, its form, or what it costs, through every way in."""

import base64
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from fileshare.domain.model import Role
from fileshare.services import passwords
from fileshare.wire import messages as m
from tests.tcp.door import Peer2, open_door
from tests.web.house import House, open_house

Answer = tuple[object, ...]
NAMES = ("anna", "nobody-here", "disabled", "admin")
"""One that exists, one that does not, one that is disabled, and the documented one."""


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hash of each check: its cost is what a stranger could measure."""
    checked: list[str] = []
    real = passwords._matches

    def matches(password: str, password_hash: str) -> bool:
        checked.append(password_hash[:7])
        return real(password, password_hash)

    monkeypatch.setattr(passwords, "_matches", matches)
    return checked


async def by_basic(house: House, session: aiohttp.ClientSession, name: str) -> Answer:
    told = base64.b64encode(f"{name}:wrong password".encode()).decode()
    headers = {"Authorization": f"Basic {told}"}
    async with session.get(f"{house.url}/api/v1/whoami", headers=headers) as answer:
        return answer.status, await answer.text()


async def by_api(house: House, session: aiohttp.ClientSession, name: str) -> Answer:
    asked = {"username": name, "password": "wrong password", "name": "x"}
    async with session.post(f"{house.url}/api/v1/tokens", json=asked) as answer:
        return answer.status, await answer.text()


async def by_page(house: House, _: aiohttp.ClientSession, name: str) -> Answer:
    async with house.browser() as browser:
        status, text, _answer = await browser.post("/login", username=name, password="wrong password")
        return status, text.replace(name, "NAME")


@pytest.mark.parametrize("way", [by_basic, by_api, by_page])
async def test_web_door_answers_alike_at_the_same_cost(
    hashes: list[str], way: Callable[..., Awaitable[Answer]]
) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        await add_disabled(house)
        answers = [await way(house, session, name) for name in NAMES]
        assert len(set(answers)) == 1
        assert len(hashes) == len(NAMES)
        assert len(set(hashes)) == 1


async def add_disabled(house: House) -> None:
    hashed = (await house.store.login("anna")).password_hash
    account = await house.store.add("disabled", Role.USER, hashed, False, 0)
    await house.store.set_enabled(account.id, False)


async def test_tcp_door_answers_alike_at_the_same_cost(hashes: list[str]) -> None:
    async with open_door() as door:
        answers = []
        for name in ("anna", "nobody-here"):
            async with door.peer(Peer2) as peer:
                await peer.call(m.Hello(version_wanted=2))
                answers.append(await peer.call(m.Login(username=name, password="wrong password")))
        assert answers[0] == answers[1]
        assert isinstance(answers[0], m.AuthFailed)
        assert len(hashes) == 2
        assert len(set(hashes)) == 1
