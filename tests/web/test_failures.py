"""Every failure as one answer: JSON for programs, a page for people, and never more than it should tell."""

import asyncio
import contextlib
import html
import logging
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fileshare.errors import AuthFailed, AuthRequired, FileshareError, NoSpace, TooManyAttempts, error_classes
from fileshare.web.statuses import _STATUSES, status_of
from tests.web.house import PAGE, open_house


def raising(error: BaseException) -> dict[str, Any]:
    async def fail(_request: web.Request) -> web.Response:
        raise error

    return {"fail": fail}


async def test_program_gets_code_and_sentence() -> None:
    async with open_house(**raising(NoSpace())) as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/api/fail") as answer:
            assert answer.status == 507
            assert await answer.json() == {"error": {"code": "no_space", "message": NoSpace().message}}


async def test_api_never_answers_with_a_page() -> None:
    async with open_house(**raising(NoSpace())) as house, house.browser() as browser:
        _, _, answer = await browser.get("/api/fail")
        assert answer.content_type == "application/json"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>"])
async def test_page_says_what_failed_without_running_it(name: str) -> None:
    async with open_house() as house, house.browser() as browser:
        status, text, answer = await browser.get(f"/nothing/{name}")
        assert (status, answer.content_type) == (404, "text/html")
        assert "Not found" in text
        assert name not in text


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/nothing", 404), ("PUT", "/login", 405)])
async def test_the_librarys_own_refusals_look_the_same(method: str, path: str, code: int) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        async with session.request(method, house.url + path) as answer:
            assert answer.status == code
            assert set((await answer.json())["error"]) == {"code", "message"}
            assert ("Allow" in answer.headers) is (code == 405)


async def test_crash_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(**raising(RuntimeError("secret"))) as house, aiohttp.ClientSession() as session:
        with caplog.at_level(logging.ERROR, "fileshare.web"):
            async with session.get(f"{house.url}/api/fail") as answer:
                assert answer.status == 500
                assert "secret" not in await answer.text()
        assert "/api/fail failed" in caplog.text


async def test_too_many_attempts_say_when_to_come_again() -> None:
    async with open_house(**raising(TooManyAttempts(42))) as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/api/fail") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "42")


async def test_login_is_asked_of_programs_by_a_challenge_and_of_people_by_the_page() -> None:
    async with open_house() as house, house.browser() as browser:
        async with browser.session.get(f"{house.url}/logout") as answer:
            assert answer.status == 401
            assert [c.partition(" ")[0] for c in answer.headers.getall("WWW-Authenticate")] == [
                "Bearer",
                "Basic",
            ]
        status, _, answer = await browser.get("/logout?x=%20&y")
        assert (status, answer.headers["Location"]) == (303, "/login?next=/logout%3Fx%3D%2520%26y")


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Mode", "X-CSRF-Token"])
async def test_browser_is_never_made_to_open_its_own_login_dialog(header: str) -> None:
    async with open_house(**raising(AuthFailed())) as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/api/fail", headers={header: house.url}) as answer:
            assert answer.status == 401
            assert answer.headers.getall("WWW-Authenticate") == ['Bearer realm="fileshare"']


@pytest.mark.parametrize("error", [FileshareError(), RuntimeError(), TimeoutError(), ConnectionResetError()])
@pytest.mark.parametrize("chunked", [True, False])
async def test_answer_that_fails_half_way_is_cut_and_never_looks_whole(
    error: Exception, chunked: bool
) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if not chunked:
            response.content_length = 100
        await response.prepare(request)
        await response.write(b"half")
        raise error

    async with open_house(fail=fail) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
        writer.write(b"GET /api/fail HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        got = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                got += piece
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        _, _, body = bytes(got).partition(b"\r\n\r\n")
        # Nothing, or what was sent: a reset may overtake it, but no second answer and no end follows.
        assert body in ((b"", b"4\r\nhalf\r\n") if chunked else (b"", b"half"))


def test_every_class_of_errors_has_a_status_of_its_own_branch() -> None:
    for cls in error_classes().values():
        nearest = next(one for one in cls.__mro__ if one in _STATUSES)
        assert nearest is not FileshareError or cls is FileshareError, cls
        error = TooManyAttempts(1) if cls is TooManyAttempts else cls()
        assert 400 <= status_of(error) < 600
    # Each is a class of the tree, or refines one without a code of its own.
    assert all(issubclass(cls, error_classes()[cls.code]) for cls in _STATUSES)


async def test_pages_failure_is_a_page() -> None:
    async with open_house() as house, aiohttp.ClientSession(headers=PAGE) as session:
        async with session.post(f"{house.url}/login", json={}) as answer:
            assert answer.status == 400
            assert "<h1>" in await answer.text()


async def test_change_behind_a_session_that_ended_is_said_not_to_be_done_and_led_back_to() -> None:
    async with open_house() as house, house.browser() as browser:
        came_from = {"Referer": f"{house.url}/users?done=x"}
        _, _, answer = await browser.ask("POST", "/users", data={"username": "x"}, headers=came_from)
        location = answer.headers["Location"]
        assert location == "/login?next=/users%3Fdone%3Dx&done=session_over"
        _, text, _ = await browser.get(location)
        assert "Nothing was changed: your session had ended." in text
        assert 'name="next" value="/users?done=x"' in text


@pytest.mark.parametrize(
    "told",
    ["", "https://elsewhere.example/users", "/users", "{}.elsewhere.example/users", "{}//evil.example/"],
)
async def test_page_that_a_request_came_from_is_one_of_ours_or_none(told: str) -> None:
    async with open_house() as house, house.browser() as browser:
        came_from = {"Referer": told.format(house.url)}
        _, _, answer = await browser.ask("POST", "/users", data={"username": "x"}, headers=came_from)
        assert answer.headers["Location"] == "/login?next=/files/&done=session_over"
        _, text, _ = await browser.get("/nothing", headers=came_from)
        assert "Go back" not in text


async def test_failure_leads_back_to_the_page_it_came_from() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        came_from = {"Referer": f"{house.url}/files/docs/?q=a"}
        _, text, _ = await browser.get("/nothing", headers=came_from)
        assert 'href="/files/docs/?q=a">Go back' in text


@pytest.mark.parametrize(
    ("retry_after", "told"),
    [(42, "in 42 seconds"), (119, "in 119 seconds"), (120, "in 2 minutes"), (894, "in 15 minutes")],
)
def test_wait_is_told_as_people_count_it(retry_after: int, told: str) -> None:
    assert told in TooManyAttempts(retry_after).message


async def test_page_of_every_failure_has_its_sentence_a_way_on_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_house() as house, house.browser("root") as browser:
        for cls in error_classes().values():
            error = TooManyAttempts(42) if cls is TooManyAttempts else cls()

            async def fail(_caller: object, error: Exception = error) -> None:
                raise error

            monkeypatch.setattr(house.accounts, "list", fail)
            status, text, _ = await browser.get("/users", headers={"Referer": f"{house.url}/logs"})
            if cls is AuthRequired:
                assert status == 303
                continue
            assert status == status_of(error)
            assert html.escape(error.message, quote=False) in text.replace("&#39;", "'")
            assert 'href="/logs">Go back' in text
            assert "Traceback" not in text


async def test_menu_that_would_lead_back_to_the_password_is_not_shown() -> None:
    async with open_house() as house, house.browser() as browser:
        await browser.post("/login", username="admin", password="admin123")
        _, text, _ = await browser.get("/account/password")
        assert "Log out" in text
        assert 'href="/users"' not in text
