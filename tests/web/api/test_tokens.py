"""Tokens over the API: made by a login, seen and ended by their owner alone."""

import aiohttp
import pytest

from fileshare.web.keys import WebSettings
from tests.web.api.asker import API, Asker, asker
from tests.web.house import PASSWORD, House, open_house
from tests.web.programs import Program, program

LOGIN = {"username": "anna", "password": PASSWORD, "name": "backup of the laptop"}


def with_token(one: Asker, token: str) -> Asker:
    return Asker(Program(one.house, token, one.program.session))


async def log_in(house: House, body: object) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{house.url}{API}/tokens", json=body) as answer:
            await answer.read()
            return answer


async def test_name_and_password_give_a_token_that_serves() -> None:
    async with open_house() as house, asker(house) as anna:
        answer = await log_in(house, LOGIN)
        assert answer.status == 201
        made = await answer.json()
        assert set(made) == {"token", "expires_at", "id", "name"}
        now = house.world.clock() / 1000
        assert made["expires_at"] == pytest.approx(now + 30 * 86_400, abs=60)
        named = [token["name"] for token in (await with_token(anna, made["token"]).get("/tokens"))["tokens"]]
        assert sorted(named) == ["backup of the laptop", "test"]


async def test_listed_tokens_tell_no_secret_and_which_one_asks() -> None:
    async with open_house() as house, asker(house) as anna, house.browser("anna"):
        made = await (await log_in(house, LOGIN)).json()
        answer = await anna.ask("GET", "/tokens")
        assert made["token"] not in answer.text
        tokens = (await anna.get("/tokens"))["tokens"]  # and no session of a browser
        assert {token["name"]: token["current"] for token in tokens} == {LOGIN["name"]: False, "test": True}


@pytest.mark.parametrize("body", [{**LOGIN, "password": "wrong"}, {**LOGIN, "username": "nobody\n"}])
async def test_wrong_login_gets_no_token(body: object) -> None:
    async with open_house() as house:
        answer = await log_in(house, body)
        assert answer.status == 401
        assert (await answer.json())["error"]["code"] == "auth_failed"
        assert "WWW-Authenticate" in answer.headers


async def test_guesses_are_limited_and_told_when_to_come_again() -> None:
    async with open_house() as house:
        for _ in range(10):
            assert (await log_in(house, {**LOGIN, "password": "guess"})).status == 401
        answer = await log_in(house, LOGIN)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        assert (await answer.json())["error"]["code"] == "too_many_attempts"


async def test_default_password_gives_a_token_here_and_none_through_a_proxy() -> None:
    body = {"username": "admin", "password": "admin123"}
    async with open_house() as house:
        assert (await log_in(house, body)).status == 201
        async with aiohttp.ClientSession(headers={"X-Forwarded-For": "192.0.2.1"}) as session:
            async with session.post(f"{house.url}{API}/tokens", json=body) as answer:
                assert answer.status == 401


async def test_ended_token_serves_no_longer() -> None:
    async with open_house() as house, asker(house) as anna:
        made = await (await log_in(house, LOGIN)).json()
        await anna.delete(f"/tokens/{made['id']}", 204)
        assert await with_token(anna, made["token"]).refused("GET", "/tokens") == (401, "auth_failed")
        assert await anna.refused("DELETE", f"/tokens/{made['id']}") == (404, "not_found")


async def test_anothers_token_is_not_found_by_an_admin_either() -> None:
    async with open_house() as house, asker(house, "root") as root, program(house, "bert") as bert:
        made = await (await log_in(house, LOGIN)).json()
        for one in (root, Asker(bert)):
            assert await one.refused("DELETE", f"/tokens/{made['id']}") == (404, "not_found")


async def test_session_of_a_browser_is_no_token() -> None:
    async with open_house() as house, asker(house) as anna, house.browser("anna"):
        (session,) = [
            one for one in await house.store.sessions(house.known["anna"].id) if one.kind == "session"
        ]
        assert await anna.refused("DELETE", f"/tokens/{session.id}") == (404, "not_found")


@pytest.mark.parametrize("token_id", ["0", "-1", "x", "9" * 30, "%31%00", "1e1", "%D9%A3"])
async def test_id_that_is_none_is_not_found(token_id: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert (await anna.refused("DELETE", f"/tokens/{token_id}"))[0] == 404


async def test_anonymous_has_no_tokens() -> None:
    async with open_house(WebSettings(require_auth=False)) as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}{API}/tokens") as answer:
            assert answer.status == 401
