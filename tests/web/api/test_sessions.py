"""Sessions over the API, and one's own password."""

from typing import Any

import pytest

from tests.web.api.asker import API, Asker, asker
from tests.web.house import PASSWORD, open_house

NEW = "quite another horse"


async def kinds(one: Asker, path: str = "/sessions") -> list[tuple[str, bool]]:
    return [(session["kind"], session["current"]) for session in (await one.get(path))["sessions"]]


async def test_own_logins_of_browsers_and_programs_are_listed_without_secrets() -> None:
    async with open_house() as house, asker(house) as anna, house.browser("anna"):
        assert sorted(await kinds(anna)) == [("session", False), ("token", True)]
        answer = await anna.ask("GET", "/sessions")
        assert anna.program.token not in answer.text


async def test_one_login_is_ended_or_all_others() -> None:
    async with open_house() as house, asker(house) as anna, house.browser("anna") as browser:
        async with asker(house) as second:
            found = (await anna.get("/sessions"))["sessions"]
            of_browser = next(session["id"] for session in found if session["kind"] == "session")
            await anna.delete(f"/sessions/{of_browser}", 204)
            assert (await browser.get(f"{API}/sessions"))[0] == 401
            assert await anna.delete("/sessions") == {"ended": 1}
            assert await second.refused("GET", "/sessions") == (401, "auth_failed")
        assert await kinds(anna) == [("token", True)]


async def test_anothers_session_is_not_found() -> None:
    async with open_house() as house, asker(house) as anna, asker(house, "root") as root:
        (session,) = (await anna.get("/sessions"))["sessions"]
        for one in (root, anna):
            wanted = 404 if one is root else 204
            assert (await one.ask("DELETE", f"/sessions/{session['id']}")).status == wanted


async def test_admin_sees_and_ends_all_logins_of_somebody() -> None:
    async with open_house() as house, asker(house) as anna, asker(house, "root") as root:
        assert await kinds(root, "/users/anna/sessions") == [("token", False)]
        assert await root.delete("/users/anna/sessions") == {"ended": 1}
        assert await anna.refused("GET", "/sessions") == (401, "auth_failed")
        assert await root.refused("GET", "/users/nobody/sessions") == (404, "not_found")


@pytest.mark.parametrize("name", ["anna", "root", "bert%2Fsessions", "%2E%2E", "sessions"])
async def test_user_sees_nobodys_logins_by_name(name: str) -> None:
    async with open_house() as house, asker(house, "bert") as bert:
        for method in ("GET", "DELETE"):
            assert (await bert.refused(method, f"/users/{name}/sessions"))[0] == 403


async def test_own_password_is_changed_and_every_login_ends() -> None:
    async with open_house() as house, asker(house) as anna:
        await post(anna, {"old": PASSWORD, "new": NEW})
        assert await anna.refused("GET", "/sessions") == (401, "auth_failed")
        async with asker(house, "root") as root:
            await root.post("/tokens", {"username": "anna", "password": NEW}, 201)


async def post(one: Asker, body: Any) -> None:
    assert (await one.ask("POST", "/password", body)).status == 204


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"old": "wrong", "new": NEW}, (403, "forbidden")),
        ({"old": PASSWORD, "new": "short"}, (400, "bad_password")),
        ({"new": NEW}, (400, "bad_request")),
    ],
)
async def test_password_that_can_not_be_changed_stays(body: Any, told: tuple[int, str]) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("POST", "/password", body) == told
        await anna.get("/sessions")


async def test_guesses_of_the_old_password_are_limited() -> None:
    async with open_house() as house, asker(house) as anna:
        for _ in range(10):
            assert (await anna.refused("POST", "/password", {"old": "guess", "new": NEW}))[0] == 403
        right = {"old": PASSWORD, "new": NEW}
        assert await anna.refused("POST", "/password", right) == (429, "too_many_attempts")
