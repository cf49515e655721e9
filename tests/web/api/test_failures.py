"""What the API refuses, whatever was asked: one shape, one sentence, and never a crash."""

import io
import json

import aiohttp
import pytest

from fileshare.errors import NoSpace, TooManyAttempts
from tests.web.api.asker import API, asker, failure
from tests.web.house import PAGE, Browser, open_house
from tests.web.programs import Program
from tests.web.test_failures import raising

JSON = {"Content-Type": "application/json"}

BAD_BODIES = {
    b"": "not JSON",
    b"{": "not JSON",
    b"[]": "Expected `object`",
    b"null": "Expected `object`",
    b'{"path": 1}': "$.path",
    b'{"path": true}': "$.path",
    b"{}": "`path`",
    b'{"path": "a", "mode": 7}': "`mode`",
    b'{"path": "a", "path": "b"}': "same key twice",
    b'{"path": NaN}': "NaN",
    b'{"path": "\\ud800"}': "not understood",
    b"\xff": "UTF-8",
    b"[" * 1000 + b"]" * 1000: "deeper",
    b'{"path": "a"} {}': "not JSON",
}


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:30]))
async def test_bad_body_is_refused_in_one_sentence_that_says_what_is_wrong(body: bytes) -> None:
    async with open_house() as house, asker(house) as anna:
        answer = await anna.ask("POST", "/folders", data=body, headers=JSON)
        assert failure(answer) == (400, "bad_request")
        message = json.loads(answer.body)["error"]["message"]
        assert BAD_BODIES[body] in message
        assert "\n" not in message


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_body_that_says_it_is_no_json_is_refused(kind: str) -> None:
    async with open_house() as house, asker(house) as anna:
        headers = {"Content-Type": kind} if kind else {}
        answer = await anna.ask("POST", "/folders", data=b'{"path": "a"}', headers=headers)
        assert failure(answer) == (415, "bad_content_type")
        assert answer.headers["Accept"] == "application/json"


async def test_body_larger_than_any_question_is_refused() -> None:
    async with open_house() as house, asker(house) as anna:
        body = io.BytesIO(b'{"path": "' + b"x" * (1 << 20) + b'"}')
        assert failure(await anna.ask("POST", "/folders", data=body, headers=JSON)) == (413, "too_large")


@pytest.mark.parametrize("path", ["/none", "/", "", "/files/exists/", "/tokens/1/2", "/users/", "/v2"])
async def test_unknown_route_is_not_found_also_for_a_browser(path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        answer = await anna.ask("POST" if "files" in path else "GET", path, headers=PAGE)
        if path:
            assert failure(answer)[0] in (404, 405)
        else:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/files", {"GET", "HEAD"}),
        ("PUT", "/tokens/1", {"DELETE"}),
        ("OPTIONS", "/users/anna", {"DELETE", "GET", "HEAD", "PATCH"}),
        ("TRACE", "/restore", {"POST"}),
    ],
)
async def test_method_that_is_not_there_is_told_which_are(method: str, path: str, allowed: set[str]) -> None:
    async with open_house() as house, asker(house, "root") as root:
        answer = await root.ask(method, path)
        assert failure(answer) == (405, "bad_method")
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == allowed


async def test_unknown_parameter_is_refused_where_there_are_none() -> None:
    async with open_house() as house, asker(house) as anna:
        answer = await anna.ask("GET", "/tokens?verbose=1")
        assert failure(answer) == (400, "bad_request")
        assert "verbose" in answer.text


async def test_full_disk_and_too_many_attempts_have_their_own_statuses() -> None:
    async with open_house(
        full=raising(NoSpace())["fail"], often=raising(TooManyAttempts(7))["fail"]
    ) as house:
        async with asker(house) as anna:
            assert failure(await anna.program.get("/api/full")) == (507, "no_space")
            often = await anna.program.get("/api/often")
            assert failure(often) == (429, "too_many_attempts")
            assert often.headers["Retry-After"] == "7"


async def test_who_is_not_known_is_asked_to_log_in_and_never_led_to_a_page() -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}{API}/files", headers=PAGE, allow_redirects=False) as answer:
            assert answer.status == 401
            assert [told.partition(" ")[0] for told in answer.headers.getall("WWW-Authenticate")] == [
                "Bearer",
                "Basic",
            ]


async def test_refused_body_is_not_read_before_the_role_is_known() -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("POST", "/users", {"nonsense": 1}) == (403, "forbidden")


async def from_a_page(browser: Browser, **headers: str) -> int:
    status, text, _ = await browser.ask(
        "POST", f"{API}/folders", data=b'{"path": "a"}', headers={**JSON, "Origin": browser.url, **headers}
    )
    if status >= 400:
        assert json.loads(text)["error"]["code"] == "forbidden"
    return status


async def test_session_of_a_browser_changes_nothing_without_its_token() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        assert await from_a_page(browser) == 403
        assert await from_a_page(browser, **{"X-CSRF-Token": "0" * 80}) == 403
        token = {"X-CSRF-Token": await browser.token("/account")}
        assert await from_a_page(browser, **token, Origin="https://elsewhere.example") == 403
        assert await from_a_page(browser, **token) == 201
        status, _, _ = await browser.get(f"{API}/files")  # looking needs none
        assert status == 200


async def test_login_of_a_cookie_and_a_token_go_their_own_ways() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        one = Program(house, "no such token", browser.session)
        answer = await one.get(f"{API}/files")  # the wrong token counts, not the cookie that comes along
        assert answer.status == 401
