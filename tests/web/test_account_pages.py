"""One's own account page: password, sessions, half-done uploads, with plain forms alone."""

import pytest

from fileshare.domain.model import Caller, Door
from fileshare.errors import AuthFailed
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import Bytes
from tests.web.house import PASSWORD, House, open_house

NEW = "a whole new sentence"


async def sessions(house: House, name: str = "anna") -> int:
    return len(await house.store.sessions(house.known[name].id))


async def logs_in(house: House, name: str, password: str) -> bool:
    try:
        await house.accounts.log_in(name, password, address="127.0.0.1", door=Door.WEB)
    except AuthFailed:
        return False
    return True


async def test_password_is_changed_and_only_this_browser_stays_logged_in() -> None:
    async with (
        open_house() as house,
        house.browser("anna") as browser,
        house.browser("anna") as other,
    ):
        status, _, answer = await browser.post("/account/password", old=PASSWORD, new=NEW, again=NEW)
        assert (status, answer.headers["Location"]) == (303, "/account?done=password_changed")
        assert await sessions(house) == 1
        status, text, _ = await browser.get("/account?done=password_changed")
        assert status == 200
        assert "Your password is changed" in text
        assert (await other.get("/account"))[0] == 303
        assert await logs_in(house, "anna", NEW)


@pytest.mark.parametrize(
    ("old", "new", "again", "status", "said"),
    [
        ("wrong one", NEW, NEW, 403, "current password is wrong"),
        (PASSWORD, NEW, NEW + "x", 400, "differ"),
        (PASSWORD, "shorty", "shorty", 400, "8 characters"),
        (PASSWORD, "password123", "password123", 400, "common"),
    ],
)
async def test_password_that_can_not_be_is_said_and_nothing_changes(
    old: str, new: str, again: str, status: int, said: str
) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        answered, text, _ = await browser.post("/account/password", old=old, new=new, again=again)
        assert answered == status
        assert said in text
        assert new not in text
        assert await sessions(house) == 1
        assert await logs_in(house, "anna", PASSWORD)


async def test_default_password_is_changed_and_the_pages_open() -> None:
    async with open_house() as house, house.browser() as browser:
        await browser.log_in("admin", "admin123")
        assert "Choose your own" in (await browser.get("/account/password"))[1]
        status, _, answer = await browser.post("/account/password", old="admin123", new=NEW, again=NEW)
        assert (status, answer.headers["Location"]) == (303, "/files/?done=password_changed")
        assert (await browser.get("/users"))[0] == 200


async def test_own_session_is_ended_by_its_button_and_anothers_never() -> None:
    async with open_house() as house, house.browser("anna") as browser, house.browser("bert") as other:
        token, made = await house.accounts.issue_token(
            house.known["anna"], name="tablet", address="192.0.2.1"
        )
        assert "tablet" in (await browser.get("/account"))[1]
        status, _, _ = await browser.post("/account/sessions/end", session=str(made.id))
        assert status == 303
        assert await sessions(house) == 1
        ((berts),) = await house.store.sessions(house.known["bert"].id)
        _, _, answer = await browser.post("/account/sessions/end", session=str(berts.id))
        assert answer.headers["Location"] == "/account?done=session_gone"
        assert await sessions(house, "bert") == 1
        assert (await other.get("/account"))[0] == 200
        assert token not in (await browser.get("/account"))[1]


async def test_ending_this_very_session_is_a_logout() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        ((own),) = await house.store.sessions(house.known["anna"].id)
        _, _, answer = await browser.post("/account/sessions/end", session=str(own.id))
        assert answer.headers["Location"] == "/login?done=logged_out"
        assert (await browser.get("/account"))[0] == 303


async def test_all_other_sessions_end_at_once() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        for _ in range(3):
            await house.accounts.open_session(house.known["anna"], address="192.0.2.1")
        await browser.post("/account/sessions/end-others")
        assert await sessions(house) == 1
        assert (await browser.get("/account"))[0] == 200


@pytest.mark.parametrize("session", ["", "x", "-1", "1" * 19, "١"])
async def test_nonsense_of_a_session_is_refused(session: str) -> None:
    async with open_house() as house, house.browser("anna") as browser:
        assert (await browser.post("/account/sessions/end", session=session))[0] == 400


async def test_half_done_upload_is_shown_and_given_up_by_its_owner_alone() -> None:
    async with open_house() as house, house.browser("anna") as browser, house.browser("bert") as other:
        anna = Caller(house.known["anna"], "127.0.0.1", Door.WEB)
        writer = await house.world.begin(NewUpload("<b>half</b>.bin", size=1000), anna)
        await writer.receive(Bytes([b"x" * 400]), 400)
        await writer.release()
        _, text, _ = await browser.get("/account")
        assert "&lt;b&gt;half&lt;/b&gt;.bin" in text
        assert "400 B of 1.0 kB" in text
        (upload,) = await house.world.catalog.uploads()
        _, _, answer = await other.post("/account/uploads/abort", upload=upload.id)
        assert answer.headers["Location"] == "/account?done=upload_gone"
        assert (await browser.post("/account/uploads/abort", upload=upload.id))[0] == 303
        assert await house.world.catalog.uploads() == []
