"""Who asks: cookie, token and Basic, each where it serves and nowhere else."""

import base64

import aiohttp
import pytest
from aiohttp import web

from fileshare.domain.model import Caller, Door, Role
from fileshare.web.basic import BASIC, BASIC_SECONDS, BasicMemory
from fileshare.web.identity import caller_of
from fileshare.web.keys import WebSettings
from tests.web.house import PASSWORD, House, open_house


async def who(request: web.Request) -> web.Response:
    caller = caller_of(request)
    return web.json_response({"name": caller.account.name, "door": caller.door, "address": caller.address})


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    told = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {told}"}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def asked(house: House, headers: dict[str, str], path: str = "/api/who") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(house.url + path, headers=headers) as answer:
        return answer.status, (await answer.json()).get("name", "")


async def token(house: House, name: str = "anna") -> str:
    secret, _ = await house.accounts.issue_token(house.known[name], name="t", address="127.0.0.1")
    return secret


async def session(house: House, name: str = "anna") -> str:
    secret, _ = await house.accounts.open_session(house.known[name], address="127.0.0.1")
    return secret


def as_root(house: House) -> Caller:
    return Caller(house.known["root"], "127.0.0.1", Door.WEB)


async def test_token_basic_and_cookie_say_who_asks() -> None:
    async with open_house(who=who) as house:
        assert await asked(house, bearer(await token(house))) == (200, "anna")
        assert await asked(house, basic("anna")) == (200, "anna")
        assert await asked(house, {"Cookie": f"fileshare={await session(house)}"}) == (200, "anna")


async def test_nobody_is_refused() -> None:
    async with open_house(who=who) as house:
        assert await asked(house, {}) == (401, "")


async def test_without_insistence_on_a_login_nobody_is_anonymous() -> None:
    async with open_house(WebSettings(require_auth=False), who=who) as house:
        assert await asked(house, {}) == (200, "anonymous")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !",
        "Basic YW5uYQ==",  # no colon
        "Basic /w==",  # no UTF-8
        "Bearer",
        "Bearer wrong",
        "Digest username=anna",
        "",
    ],
)
@pytest.mark.parametrize("require_auth", [True, False])
async def test_wrong_credentials_are_refused_and_never_anonymous(header: str, require_auth: bool) -> None:
    async with open_house(WebSettings(require_auth=require_auth), who=who) as house:
        living = await session(house)
        assert await asked(house, {"Authorization": header, "Cookie": f"fileshare={living}"}) == (401, "")


async def test_token_is_no_session_and_session_is_no_token() -> None:
    async with open_house(who=who) as house:
        assert await asked(house, bearer(await session(house))) == (401, "")
        assert await asked(house, {"Cookie": f"fileshare={await token(house)}"}) == (401, "")


async def test_pages_take_no_token() -> None:
    async with open_house() as house, house.browser() as browser:
        status, _, answer = await browser.get("/logout", headers=bearer(await token(house)))
        assert (status, answer.headers["Location"]) == (303, "/login?next=/logout")


async def test_ended_session_is_nobodys() -> None:
    async with open_house(who=who) as house:
        secret = await session(house)
        await house.accounts.set_enabled(as_root(house), "anna", False)
        assert await asked(house, {"Cookie": f"fileshare={secret}"}) == (401, "")


async def test_static_files_cost_no_look_at_the_session() -> None:
    async with open_house() as house, house.browser() as browser:
        await browser.get("/static/x/fileshare.css", headers={"Cookie": "fileshare=wrong"})
        assert not [event for event in await house.events() if event.action == "authenticate"]


async def test_basic_is_checked_once_in_five_minutes() -> None:
    async with open_house(who=who) as house:
        for _ in range(3):
            assert await asked(house, basic("anna")) == (200, "anna")
        assert len([event for event in await house.events() if event.action == "login"]) == 1


async def test_basic_is_checked_anew_after_five_minutes() -> None:
    now = 0.0
    async with open_house() as house:
        memory = BasicMemory(house.accounts, lambda: now)
        credential = basic("anna")["Authorization"].removeprefix("Basic ")
        for now in (0.0, BASIC_SECONDS - 1, BASIC_SECONDS, BASIC_SECONDS + 1):  # noqa: B007
            await memory.account(credential, address="127.0.0.1", forwarded=False)
        assert len([event for event in await house.events() if event.action == "login"]) == 2


async def test_basic_from_elsewhere_is_checked_by_itself() -> None:
    """What is remembered for this machine must not open the default password to others."""
    async with open_house(who=who) as house:
        assert await asked(house, basic("admin", "admin123")) == (200, "admin")
        forwarded = {**basic("admin", "admin123"), "X-Forwarded-For": "203.0.113.9"}
        assert await asked(house, forwarded) == (401, "")


@pytest.mark.parametrize("change", ["disable", "role", "password", "delete"])
async def test_basic_is_forgotten_at_any_change_of_the_account(change: str) -> None:
    async with open_house(who=who) as house:
        assert await asked(house, basic("anna")) == (200, "anna")
        root = as_root(house)
        if change == "disable":
            await house.accounts.set_enabled(root, "anna", False)
        elif change == "role":
            await house.accounts.set_role(root, "anna", Role.ADMIN)
            known = await house.application[BASIC].account(
                basic("anna")["Authorization"].removeprefix("Basic "), address="127.0.0.1", forwarded=False
            )
            assert known.role is Role.ADMIN
            return
        elif change == "password":
            await house.accounts.set_password(root, "anna", "another long one")
        else:
            await house.accounts.delete(root, "anna")
        assert await asked(house, basic("anna")) == (401, "")


async def test_basic_counts_in_the_limiter() -> None:
    async with open_house(who=who) as house:
        for _ in range(10):
            assert (await asked(house, basic("anna", "wrong one")))[0] == 401
        assert (await asked(house, basic("anna", "wrong one")))[0] == 429
