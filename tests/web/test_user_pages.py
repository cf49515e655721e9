"""The admin's pages of users, with plain forms alone."""

import asyncio

import pytest

from fileshare.domain.model import Caller, Door, Role
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import Bytes
from tests.web.house import PASSWORD, Browser, House, open_house

GOOD = "a fine long password"


async def role_of(house: House, name: str) -> Role:
    return (await house.store.login(name)).account.role


async def last_admin(house: House, browser: Browser) -> None:
    await browser.post("/users/admin/enabled", enabled="no")


async def test_list_shows_role_state_last_login_and_storage() -> None:
    async with open_house() as house, house.browser("root") as browser:
        bert = Caller(house.known["bert"], "127.0.0.1", Door.WEB)
        writer = await house.world.begin(NewUpload("a.bin", size=1500), bert)
        await writer.receive(Bytes([b"x" * 1500]), 1500)
        await writer.finish()
        _, text, _ = await browser.get("/users")
        assert "1.5 kB" in text
        assert "never" in text
        assert "default password" in text


async def test_user_is_added_and_can_log_in() -> None:
    async with open_house() as house, house.browser("root") as browser, house.browser() as other:
        status, _, answer = await browser.post("/users", username=" zoë ", password=GOOD, role="user")
        assert (status, answer.headers["Location"]) == (303, "/users?done=user_added")
        await other.log_in("zoë", GOOD)
        assert (await browser.get("/users/zo%C3%AB"))[0] == 200


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"username": "anna"}, 409, "anna"),
        ({"username": "<b>"}, 400, "letters, digits"),
        ({"password": "short"}, 400, "8 characters"),
        ({"role": "root"}, 400, "roles are"),
    ],
)
async def test_user_that_can_not_be_added_is_said_with_what_was_typed(
    fields: dict[str, str], status: int, said: str
) -> None:
    async with open_house() as house, house.browser("root") as browser:
        whole = {"username": "carl", "password": GOOD, "role": "user", **fields}
        answered, text, _ = await browser.post("/users", **whole)
        assert answered == status
        assert said in text
        assert GOOD not in text
        assert "<b>" not in text
        assert len(await house.store.accounts()) == 4


async def test_role_and_state_are_changed_and_sessions_end() -> None:
    async with open_house() as house, house.browser("root") as browser, house.browser("anna") as other:
        status, _, answer = await browser.post("/users/anna/role", role="admin")
        assert (status, answer.headers["Location"]) == (303, "/users/anna?done=role_changed")
        assert await role_of(house, "anna") is Role.ADMIN
        assert (await other.get("/account"))[0] == 303
        await browser.post("/users/anna/enabled", enabled="no")
        status, _, _ = await other.post("/login", username="anna", password=PASSWORD)
        assert status == 401
        await browser.post("/users/anna/enabled", enabled="yes")
        await other.log_in("anna")


async def test_password_is_reset() -> None:
    async with open_house() as house, house.browser("root") as browser, house.browser() as other:
        assert (await browser.post("/users/anna/password", password=GOOD))[0] == 303
        await other.log_in("anna", GOOD)
        status, text, _ = await browser.post("/users/anna/password", password="short")
        assert status == 400
        assert "8 characters" in text


async def test_sessions_of_somebody_are_shown_and_ended() -> None:
    async with open_house() as house, house.browser("root") as browser:
        _, token = await house.accounts.issue_token(house.known["anna"], name="tablet", address="192.0.2.1")
        await house.accounts.open_session(house.known["anna"], address="192.0.2.2")
        _, text, _ = await browser.get("/users/anna")
        assert "tablet" in text
        assert "192.0.2.2" in text
        assert (await browser.post("/users/anna/sessions/end", session=str(token.id)))[0] == 303
        assert len(await house.store.sessions(house.known["anna"].id)) == 1
        assert (await browser.post("/users/anna/sessions/end-all"))[0] == 303
        assert await house.store.sessions(house.known["anna"].id) == []


async def test_user_is_deleted_only_when_its_name_is_typed() -> None:
    async with open_house() as house, house.browser("root") as browser:
        anna = Caller(house.known["anna"], "127.0.0.1", Door.WEB)
        writer = await house.world.begin(NewUpload("half.bin", size=1000), anna)
        await writer.receive(Bytes([b"x" * 400]), 400)
        await writer.release()
        status, text, _ = await browser.post("/users/anna/delete", confirm="ann")
        assert status == 400
        assert "Nothing was deleted" in text
        status, _, answer = await browser.post("/users/anna/delete", confirm="anna")
        assert (status, answer.headers["Location"]) == (303, "/users?done=user_deleted")
        assert "anna" not in {account.name for account in await house.store.accounts()}
        assert (await browser.get("/users/anna"))[0] == 404


async def test_there_is_always_an_admin() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await last_admin(house, browser)
        for path, fields in (
            ("role", {"role": "user"}),
            ("enabled", {"enabled": "no"}),
            ("delete", {"confirm": "root"}),
        ):
            status, text, _ = await browser.post(f"/users/root/{path}", **fields)
            assert status == 409
            assert 'role="alert"' in text
        assert (await browser.get("/users"))[0] == 200


async def test_two_admins_who_demote_each_other_leave_one() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await browser.post("/users/admin/password", password=GOOD)
        async with house.browser() as other:
            await other.log_in("admin", GOOD)
            await asyncio.gather(
                browser.post("/users/admin/role", role="user"), other.post("/users/root/role", role="user")
            )
        assert Role.ADMIN in {await role_of(house, "root"), await role_of(house, "admin")}


@pytest.mark.parametrize("name", ["nobody", "..", "%3Cscript%3E", "%00"])
async def test_account_that_there_is_not_is_not_found(name: str) -> None:
    async with open_house() as house, house.browser("root") as browser:
        assert (await browser.get(f"/users/{name}", allow_redirects=True))[0] in (404, 200)
        assert (await browser.post(f"/users/{name}/role", role="user"))[0] in (404, 405)


async def test_every_change_stands_in_the_audit_trail() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await browser.post("/users/anna/role", role="admin")
        await browser.post("/users/anna/enabled", enabled="no")
        done = {(event.account, event.action, event.door) for event in await house.events()}
        assert {("root", "user_role", "web"), ("root", "user_disable", "web")} <= done


async def test_address_of_a_refused_form_leads_back_to_its_page_when_it_is_loaded_again() -> None:
    async with open_house() as house, house.browser("root") as browser:
        for form in ("role", "enabled", "password", "delete", "sessions/end", "sessions/end-all"):
            status, _, answer = await browser.get(f"/users/anna/{form}")
            assert (status, answer.headers["Location"]) == (303, "/users/anna")


async def test_session_that_is_over_already_is_no_failure() -> None:
    async with open_house() as house, house.browser("root") as browser:
        _, _, answer = await browser.post("/users/anna/sessions/end", session="4711")
        assert answer.headers["Location"] == "/users/anna?done=session_gone"
        _, text, _ = await browser.get("/users/anna?done=session_gone")
        assert "alert-warning" in text
