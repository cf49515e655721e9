"""Logging in and out with a browser: cookies, sessions, where it leads."""

import re
from http.cookies import SimpleCookie
from ipaddress import ip_network

import pytest

from fileshare.web.keys import WebSettings
from fileshare.web.redirects import LANDING, safe_next
from tests.web.house import PASSWORD, open_house

PROXY = WebSettings(trusted_proxies=(ip_network("127.0.0.0/8"),))
OVER_TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "files.example"}


async def test_cookie_over_plain_http_is_out_of_scripts_reach() -> None:
    async with open_house() as house, house.browser() as browser:
        _, _, answer = await browser.post("/login", username="anna", password=PASSWORD)
        cookie = SimpleCookie(answer.headers["Set-Cookie"])["fileshare"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert not cookie["secure"]
        assert not cookie["domain"]


async def test_cookie_behind_a_tls_proxy_is_bound_to_host_and_tls() -> None:
    async with open_house(PROXY) as house, house.browser() as browser:
        fields = {"username": "anna", "password": PASSWORD}
        headers = {**OVER_TLS, "Origin": "https://files.example"}
        status, _, answer = await browser.ask("POST", "/login", data=fields, headers=headers)
        assert status == 303
        cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-fileshare"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert cookie["secure"]
        assert not cookie["domain"]


async def test_cookie_of_plain_http_does_not_serve_over_tls() -> None:
    """A network attacker can set `fileshare`, but never `__Host-fileshare`."""
    async with open_house(PROXY) as house, house.browser("anna") as browser:
        status, _, _ = await browser.get("/logout")
        assert status == 200
        status, _, _ = await browser.get("/logout", headers=OVER_TLS)
        assert status == 303


@pytest.mark.parametrize(
    "told",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "/x\n",
        "evil.example",
        " /x",
        "/ä",
        "",
    ],
)
async def test_login_leads_nowhere_but_to_us(told: str) -> None:
    assert safe_next(told) == LANDING
    async with open_house() as house, house.browser() as browser:
        _, _, answer = await browser.post("/login", username="anna", password=PASSWORD, next=told)
        assert answer.headers["Location"] == LANDING
        _, _, answer = await browser.get("/login", params={"next": told})
        assert answer.headers["Location"] == LANDING


async def test_login_leads_back_behind_the_proxys_prefix() -> None:
    settings = WebSettings(public_url="http://files.example/share")
    async with open_house(settings) as house, house.browser() as browser:
        _, _, answer = await browser.get("/logout?a=1&b=%20")
        assert answer.headers["Location"] == "/share/login?next=/logout%3Fa%3D1%26b%3D%2520"
        fields = {"username": "anna", "password": PASSWORD, "next": "/logout?a=1&b=%20"}
        headers = {"Origin": "http://files.example"}
        _, _, answer = await browser.ask("POST", "/login", data=fields, headers=headers)
        assert answer.headers["Location"] == "/share/logout?a=1&b=%20"


async def test_wrong_password_shows_the_form_again_without_it() -> None:
    async with open_house() as house, house.browser() as browser:
        status, text, answer = await browser.post(
            "/login", username='anna"><script>', password="hunter2x", next="/logout"
        )
        assert status == 401
        assert "is wrong" in text
        assert 'value="/logout"' in text
        assert "hunter2x" not in text
        assert "<script>" not in text
        assert "Basic" not in answer.headers.getall("WWW-Authenticate")


async def test_too_many_wrong_passwords_are_said_with_the_time_to_wait() -> None:
    async with open_house() as house, house.browser() as browser:
        for _ in range(10):
            await browser.post("/login", username="anna", password="wrong one")
        status, text, answer = await browser.post("/login", username="anna", password=PASSWORD)
        assert status == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "Too many" in text


async def test_login_ends_the_session_that_the_browser_had() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await browser.log_in("anna")
        assert len(await house.store.sessions(house.known["anna"].id)) == 1


async def test_session_that_was_set_by_somebody_else_is_not_taken_over() -> None:
    """Session fixation: the secret after a login is never one that was there before."""
    async with open_house() as house, house.browser() as browser:
        headers = {"Cookie": "fileshare=attackers", "Origin": house.url}
        fields = {"username": "anna", "password": PASSWORD}
        _, _, answer = await browser.ask("POST", "/login", data=fields, headers=headers)
        assert SimpleCookie(answer.headers["Set-Cookie"])["fileshare"].value != "attackers"


async def test_logout_ends_the_session_and_the_cookie() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        status, _, answer = await browser.post("/logout")
        assert (status, answer.headers["Location"]) == (303, "/login?done=logged_out")
        assert SimpleCookie(answer.headers["Set-Cookie"])["fileshare"].value == ""
        assert answer.headers["Clear-Site-Data"] == '"cache"'
        assert await house.store.sessions(house.known["anna"].id) == []
        assert "You are logged out" in (await browser.get("/login?done=logged_out"))[1]


async def test_password_fields_are_masked_and_take_what_a_password_manager_fills_in() -> None:
    async with open_house() as house, house.browser("root") as browser, house.browser() as stranger:
        for who, page, purposes in (
            (stranger, "/login", ["current-password"]),
            (browser, "/account/password", ["current-password", "new-password", "new-password"]),
            (browser, "/users", ["new-password"]),
            (browser, "/users/anna", ["new-password"]),
        ):
            _, text, _ = await who.get(page)
            fields = [field for field in re.findall(r"<input[^>]*>", text) if "password" in field]
            masked = [field for field in fields if 'type="password"' in field]
            told = [re.search(r'autocomplete="([a-z-]+)"', field) for field in masked]
            assert [found and found[1] for found in told][: len(purposes)] == purposes, page
            assert not [field for field in masked if re.search(r"maxlength|onpaste|readonly|pattern", field)]


async def test_link_logs_nobody_out() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        assert (await browser.get("/logout"))[0] == 200
        assert len(await house.store.sessions(house.known["anna"].id)) == 1


async def test_page_says_nothing_that_its_address_invents() -> None:
    async with open_house() as house, house.browser() as browser:
        _, text, _ = await browser.get("/login?done=Call+me")
        assert "Call me" not in text


async def test_default_password_leads_people_to_change_it_and_leaves_programs_alone() -> None:
    async with open_house() as house, house.browser() as browser:
        _, _, answer = await browser.post("/login", username="admin", password="admin123", next="/users")
        assert answer.headers["Location"] == "/account/password"
        for path in ("/", "/files/", "/users", "/logs", "/account"):
            status, _, answer = await browser.get(path)
            assert (status, answer.headers["Location"]) == (303, "/account/password")
        assert (await browser.get("/logout"))[0] == 200
        status, _, _ = await browser.get("/files/", headers={"Accept": "*/*"})
        assert status == 200


async def test_default_password_is_plainly_wrong_from_elsewhere() -> None:
    async with open_house() as house, house.browser() as browser:
        fields = {"username": "admin", "password": "admin123"}
        headers = {"X-Forwarded-For": "203.0.113.9", "Origin": house.url}
        status, text, _ = await browser.ask("POST", "/login", data=fields, headers=headers)
        assert status == 401
        assert "default" not in text
