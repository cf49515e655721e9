"""Changes from elsewhere, by their effect: either something happened, or nothing did."""

from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from fileshare.web.csrf import check_token, checks_token_itself
from tests.web.house import Browser, House, open_house
from tests.web.test_identity import basic, token

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Effect:
    """A handler that does something."""

    def __init__(self) -> None:
        self.count = 0

    async def act(self, _request: web.Request) -> web.Response:
        self.count += 1
        return web.Response(text="done")


async def sent(house: House, browser: Browser, headers: dict[str, str], **body: object) -> int:
    async with browser.session.post(f"{house.url}/api/change", headers=headers, **body) as answer:  # type: ignore[arg-type]
        return answer.status


async def test_change_with_the_token_in_header_or_form_happens() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        token = await browser.token()
        assert await sent(house, browser, {"X-CSRF-Token": token, "Origin": house.url}) == 200
        assert await sent(house, browser, {}, data={"csrf_token": token}) == 200
        assert change.count == 2


@pytest.mark.parametrize("wrong", ["", "x", "0" * 80, "\udcff", "{other}", "{token}x", "{token}"])
async def test_change_without_this_sessions_token_does_not_happen(wrong: str) -> None:
    change = Effect()
    async with (
        open_house(change=change.act) as house,
        house.browser("anna") as browser,
        house.browser("anna") as other,
    ):
        told = wrong.replace("{other}", await other.token())
        if "{token}" in told:
            told = told.replace("{token}", await browser.token())[16:]
        body = f"csrf_token={quote(told, errors='surrogateescape')}"
        assert await sent(house, browser, FORM, data=body) == 403
        assert change.count == 0


@pytest.mark.parametrize("body", ["none", "json", "multipart", "text"])
async def test_change_in_any_other_form_needs_the_header(body: str) -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        token = await browser.token()
        given: dict[str, object] = {
            "none": {},
            "json": {"json": {"csrf_token": token}},
            "multipart": {"data": aiohttp.FormData({"csrf_token": token}, default_to_multipart=True)},
            "text": {"data": f"csrf_token={token}", "headers": {"Content-Type": "text/plain"}},
        }[body]  # type: ignore[assignment]
        headers = given.pop("headers", {})
        assert await sent(house, browser, headers, **given) == 403  # type: ignore[arg-type]
        assert change.count == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_change_from_another_site_does_not_happen_even_with_the_token(headers: dict[str, str]) -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        assert await sent(house, browser, {"X-CSRF-Token": await browser.token(), **headers}) == 403
        assert change.count == 0


async def test_nobody_can_be_logged_in_from_another_site() -> None:
    async with open_house() as house, house.browser() as browser:
        status, _, answer = await browser.ask(
            "POST",
            "/login",
            data={"username": "anna", "password": "correct horse"},
            headers={"Origin": "https://evil.example"},
        )
        assert status == 403
        assert "Set-Cookie" not in answer.headers


async def test_program_with_its_own_credentials_needs_no_token() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser() as browser:
        assert await sent(house, browser, {"Authorization": f"Bearer {await token(house)}"}) == 200
        assert await sent(house, browser, basic("anna")) == 200
        assert change.count == 2


async def test_program_with_its_own_credentials_needs_no_token_beside_a_cookie() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        assert await sent(house, browser, basic("bert")) == 200


async def test_cookie_is_not_let_through_by_an_authorization_that_says_nothing() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        assert await sent(house, browser, {"Authorization": "", "Origin": "https://evil.example"}) == 401
        status, _, _ = await browser.ask("POST", "/logout", headers={"Authorization": "Basic x"})
        assert status == 403
        assert change.count == 0


async def test_reading_needs_no_token() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        assert (await browser.get("/api/change"))[0] == 200


async def test_tokens_differ_each_time_and_all_serve() -> None:
    change = Effect()
    async with open_house(change=change.act) as house, house.browser("anna") as browser:
        tokens = {await browser.token() for _ in range(3)}
        assert len(tokens) == 3
        for one in tokens:
            assert await sent(house, browser, {"X-CSRF-Token": one}) == 200


async def test_streamed_form_may_check_its_own_first_part() -> None:
    done = Effect()

    @checks_token_itself
    async def change(request: web.Request) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            check_token(request, await part.text())
            break
        return await done.act(request)

    async with open_house(change=change) as house, house.browser("anna") as browser:
        for told, status in ((await browser.token(), 200), ("wrong", 403)):
            form = aiohttp.FormData({"csrf_token": told}, default_to_multipart=True)
            assert await sent(house, browser, {}, data=form) == status
        assert await sent(house, browser, {}, data={"x": "1"}) == 403
        assert done.count == 1
