"""Accounts: who gets in, who may change whom, and what ends when."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door, Role, Session
from fileshare.errors import (
    AuthFailed,
    BadName,
    BadPassword,
    Conflict,
    Forbidden,
    NoSpace,
    NotFound,
    StorageFailed,
    TooManyAttempts,
)
from fileshare.services import passwords as hashing
from fileshare.services.accounts import DEFAULT_PASSWORD
from fileshare.services.limiter import PER_ACCOUNT
from fileshare.services.sessions import DAY, HOUR
from tests.services.town import ELSEWHERE, HOME, OFFICE, PASSWORD, Town, caller

NEW = "battery staple"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    made = Town()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def ann(town: Town) -> Caller:
    return caller(await town.settle("ann", Role.ADMIN))


@pytest.fixture
async def bob(town: Town) -> Caller:
    return caller(await town.settle("bob"))


# The first admin


async def test_the_first_start_makes_the_documented_admin(town: Town) -> None:
    await town.accounts.ensure_admin()
    admin = await town.log_in("admin", "admin123", HOME)
    assert (admin.role, admin.default_password) == (Role.ADMIN, True)
    assert await town.accounts.default_password_in_use()


async def test_the_first_admin_gets_the_password_that_was_set(town: Town) -> None:
    await town.accounts.ensure_admin(PASSWORD)
    admin = await town.log_in("admin", PASSWORD, ELSEWHERE)
    assert not admin.default_password
    with pytest.raises(AuthFailed):
        await town.log_in("admin", DEFAULT_PASSWORD, HOME)


async def test_setting_the_documented_password_does_not_make_it_less_documented(town: Town) -> None:
    await town.accounts.ensure_admin(DEFAULT_PASSWORD)
    assert await town.accounts.default_password_in_use()


async def test_a_common_first_password_is_refused(town: Town) -> None:
    with pytest.raises(BadPassword):
        await town.accounts.ensure_admin("password")
    assert await town.store.accounts() == []


async def test_later_starts_change_nothing(town: Town, ann: Caller) -> None:
    await town.accounts.ensure_admin()
    await town.accounts.ensure_admin(NEW)
    assert [account.name for account in await town.store.accounts()] == ["ann"]
    assert await town.log_in("ann")


async def test_a_password_that_is_set_later_takes_the_place_of_the_documented_one(town: Town) -> None:
    await town.accounts.ensure_admin()
    await town.accounts.ensure_admin(NEW)
    assert not (await town.log_in("admin", NEW, ELSEWHERE)).default_password
    await town.accounts.ensure_admin("yet another one")
    assert await town.log_in("admin", NEW, ELSEWHERE)


async def test_users_without_an_admin_get_one(town: Town, bob: Caller) -> None:
    await town.accounts.ensure_admin()
    assert (await town.store.login("admin")).account.role is Role.ADMIN


# The default password


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
async def test_the_default_password_works_on_this_machine(town: Town, address: str) -> None:
    await town.accounts.ensure_admin()
    assert await town.log_in("admin", DEFAULT_PASSWORD, address)


@pytest.mark.parametrize("door", [Door.TCP, Door.WEB])
async def test_the_default_password_is_plainly_wrong_from_elsewhere(
    town: Town, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    await town.accounts.ensure_admin()
    with caplog.at_level(logging.WARNING), pytest.raises(AuthFailed) as refused:
        await town.accounts.log_in("admin", DEFAULT_PASSWORD, address=ELSEWHERE, door=door)
    with pytest.raises(AuthFailed) as wrong:
        await town.accounts.log_in("admin", "wrong", address=ELSEWHERE, door=door)
    assert refused.value.message == wrong.value.message
    assert "fileshare user passwd admin" in caplog.text
    assert "FILESHARE_ADMIN_PASSWORD" in caplog.text


async def test_the_default_password_counts_as_wrong_from_elsewhere(town: Town) -> None:
    await town.accounts.ensure_admin()
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.log_in("admin", DEFAULT_PASSWORD, ELSEWHERE)
    with pytest.raises(TooManyAttempts):
        await town.log_in("admin", DEFAULT_PASSWORD, ELSEWHERE)


async def test_a_forwarded_request_is_not_from_this_machine(town: Town) -> None:
    await town.accounts.ensure_admin()
    with pytest.raises(AuthFailed):
        await town.accounts.log_in("admin", DEFAULT_PASSWORD, address=HOME, door=Door.WEB, forwarded=True)


async def test_behind_a_proxy_the_default_password_works_nowhere() -> None:
    town = Town(default_password_allowed=False)
    await town.open()
    await town.accounts.ensure_admin()
    with pytest.raises(AuthFailed):
        await town.log_in("admin", DEFAULT_PASSWORD, HOME)
    await town.close()


async def test_a_token_of_the_default_password_works_on_this_machine_only(town: Town) -> None:
    await town.accounts.ensure_admin()
    admin = await town.log_in("admin", DEFAULT_PASSWORD, HOME)
    secret, _ = await town.accounts.issue_token(admin, name="", address=HOME)
    assert await town.recognises(secret, HOME)
    with pytest.raises(AuthFailed):
        await town.recognises(secret, ELSEWHERE)
    with pytest.raises(AuthFailed):
        await town.accounts.authenticate(secret, address=HOME, door=Door.WEB, forwarded=True)


async def test_once_changed_it_works_from_everywhere(town: Town) -> None:
    await town.accounts.ensure_admin()
    admin = await town.log_in("admin", DEFAULT_PASSWORD, HOME)
    changed = await town.accounts.change_own_password(caller(admin, HOME), DEFAULT_PASSWORD, NEW)
    assert not changed.default_password
    assert await town.log_in("admin", NEW, ELSEWHERE)
    assert not await town.accounts.default_password_in_use()


async def test_the_default_password_can_not_be_chosen_again(town: Town, ann: Caller) -> None:
    with pytest.raises(BadPassword):
        await town.accounts.change_own_password(ann, PASSWORD, DEFAULT_PASSWORD)
    with pytest.raises(BadPassword):
        await town.accounts.set_password(ann, "ann", DEFAULT_PASSWORD)


# Logging in


async def test_a_name_is_recognised_however_its_case(town: Town, bob: Caller) -> None:
    assert (await town.log_in("BOB")).id == bob.account.id


async def test_a_login_is_remembered(town: Town, bob: Caller) -> None:
    town.clock.pass_seconds(5)
    assert (await town.log_in("bob")).last_login == town.clock.now
    assert (await town.store.account(bob.account.id)).last_login == town.clock.now


@pytest.mark.parametrize("name", ["bob", "nobody", "", "anonymous", "no/name", "x" * 5000, "\ud800"])
async def test_whoever_is_refused_learns_nothing(town: Town, bob: Caller, name: str) -> None:
    with pytest.raises(AuthFailed) as refused:
        await town.log_in(name, "wrong")
    assert refused.value.message == AuthFailed().message


@pytest.mark.parametrize("name", ["bob", "nobody", "no/name", "disabled"])
async def test_every_refusal_costs_one_hash(
    town: Town, bob: Caller, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disabled = await town.settle("disabled")
    await town.store.set_enabled(disabled.id, False)
    hashes: list[str] = []
    real = hashing._matches

    def watched(password: str, password_hash: str) -> bool:
        hashes.append(password_hash)
        return real(password, password_hash)

    monkeypatch.setattr(hashing, "_matches", watched)
    with pytest.raises(AuthFailed):
        await town.log_in(name, "wrong")
    assert [hashed[:7] for hashed in hashes] == ["$2b$04$"]


async def test_a_disabled_account_does_not_get_in(town: Town, bob: Caller) -> None:
    await town.store.set_enabled(bob.account.id, False)
    with pytest.raises(AuthFailed) as refused:
        await town.log_in("bob")
    assert refused.value.message == AuthFailed().message


@pytest.mark.parametrize("name", ["bob", "nobody"])
async def test_names_that_exist_and_names_that_do_not_are_locked_alike(
    town: Town, bob: Caller, name: str
) -> None:
    outcomes = []
    for _ in range(PER_ACCOUNT + 1):
        try:
            await town.log_in(name, "wrong")
        except AuthFailed as error:
            outcomes.append(type(error))
    assert outcomes == [AuthFailed] * PER_ACCOUNT + [TooManyAttempts]


async def test_a_flood_is_refused_before_any_hash(
    town: Town, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong")
    monkeypatch.setattr(town.passwords, "check", None)
    with pytest.raises(TooManyAttempts):
        await town.log_in("bob")


async def test_a_hundred_guesses_at_once_get_ten_checks(
    town: Town, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = 0
    real = town.passwords.check

    def counted(password: str, password_hash: str | None, group: str) -> "asyncio.Future[bool]":
        nonlocal checks
        checks += 1
        return real(password, password_hash, group)

    monkeypatch.setattr(town.passwords, "check", counted)
    guesses = [town.log_in("bob", f"guess {number}") for number in range(100)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(outcome, AuthFailed) for outcome in outcomes)
    assert checks == PER_ACCOUNT


async def test_the_owner_elsewhere_gets_in_during_an_attack(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT + 1):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong", ELSEWHERE)
    assert await town.log_in("bob", PASSWORD, OFFICE)


async def test_both_doors_share_one_count(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.accounts.log_in("bob", "wrong", address=OFFICE, door=Door.WEB)
    with pytest.raises(TooManyAttempts):
        await town.accounts.log_in("bob", PASSWORD, address=OFFICE, door=Door.TCP)


async def test_failures_survive_a_restart(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong")
    await town.restart()
    with pytest.raises(TooManyAttempts):
        await town.log_in("bob")


async def test_a_client_that_hangs_up_is_counted_all_the_same(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT):
        login = asyncio.create_task(town.log_in("bob", "wrong"))
        while not town.passwords._running and not login.done():
            await asyncio.sleep(0)
        login.cancel()
        await asyncio.wait([login])
        while town.passwords._running:
            await asyncio.sleep(0)
    with pytest.raises(TooManyAttempts):
        await town.log_in("bob")


async def test_a_full_disk_locks_nobody_out(town: Town, bob: Caller) -> None:
    secret = await town.token("bob")
    town.clock.pass_seconds(3600)
    town.store.fail("note_login", NoSpace())
    town.store.fail("touch_session", NoSpace())
    assert await town.log_in("bob")
    assert await town.recognises(secret)


# Changes while a password is being checked


async def change_while_checking(
    town: Town, name: str, change: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> "asyncio.Task[Account]":
    """A login whose check ends only after `change`."""
    real = town.passwords.check
    let_go: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(town.passwords, "check", lambda *args: let_go)
    login = asyncio.create_task(town.log_in(name))
    await asyncio.sleep(0)
    monkeypatch.setattr(town.passwords, "check", real)
    await change()
    let_go.set_result(True)
    await asyncio.wait([login])
    return login


async def test_the_old_password_proves_nothing_once_it_was_changed_meanwhile(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        await town.accounts.set_password(ann, "bob", NEW)

    login = await change_while_checking(town, "bob", change, monkeypatch)
    assert isinstance(login.exception(), AuthFailed)


async def test_a_change_of_somebody_else_disturbs_no_login(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        await town.accounts.set_password(ann, "ann", NEW)

    login = await change_while_checking(town, "bob", change, monkeypatch)
    assert login.result().name == "bob"


async def test_a_disabled_account_gets_no_token_after_its_login(town: Town, ann: Caller, bob: Caller) -> None:
    account = await town.log_in("bob")
    await town.accounts.set_enabled(ann, "bob", False)
    with pytest.raises(AuthFailed):
        await town.accounts.issue_token(account, name="", address=OFFICE)


async def test_no_token_is_issued_while_the_password_is_being_changed(
    town: Town, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with town.accounts._sessions.ending_all(bob.account.id), pytest.raises(AuthFailed):
        await town.accounts.issue_token(bob.account, name="", address=OFFICE)


async def test_a_token_that_was_revoked_while_it_was_looked_up_proves_nothing(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = await town.token("bob")
    real = town.store.session

    async def revoked_meanwhile(secret_hash: bytes, now: int) -> tuple[Session, Account]:
        found = await real(secret_hash, now)
        monkeypatch.setattr(town.store, "session", real)
        await town.accounts.end_session(ann, "bob", found[0].id)
        return found

    monkeypatch.setattr(town.store, "session", revoked_meanwhile)
    with pytest.raises(AuthFailed):
        await town.recognises(secret)


async def test_somebody_elses_logout_disturbs_nobody(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = await town.token("bob")
    real = town.store.session

    async def ann_leaves_meanwhile(secret_hash: bytes, now: int) -> tuple[Session, Account]:
        found = await real(secret_hash, now)
        monkeypatch.setattr(town.store, "session", real)
        await town.accounts.end_sessions(ann, "ann")
        return found

    monkeypatch.setattr(town.store, "session", ann_leaves_meanwhile)
    assert (await town.recognises(secret)).name == "bob"


async def test_a_token_that_ended_while_it_was_issued_is_not_handed_out(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = town.store.add_session

    async def reset_meanwhile(session: Session, secret_hash: bytes) -> Session:
        made = await real(session, secret_hash)
        await town.accounts.set_password(ann, "bob", NEW)
        return made

    monkeypatch.setattr(town.store, "add_session", reset_meanwhile)
    with pytest.raises(AuthFailed):
        await town.token("bob")


# Sessions and tokens


async def test_a_token_proves_who_someone_is(town: Town, bob: Caller) -> None:
    secret, session = await town.accounts.issue_token(bob.account, name="laptop", address=OFFICE)
    found, account = await town.accounts.authenticate(secret, address=ELSEWHERE, door=Door.TCP)
    assert (found.id, found.name, found.kind) == (session.id, "laptop", "token")
    assert account.id == bob.account.id


async def test_a_secret_has_256_random_bits_and_only_its_hash_is_stored(town: Town, bob: Caller) -> None:
    one, other = await town.token("bob"), await town.token("bob")
    assert one != other
    assert len(one) * 6 >= 256
    assert one not in repr(vars(town.store))


@pytest.mark.parametrize("secret", ["", "x", "x" * 100_000, "\ud800", secrets.token_urlsafe(32)])
async def test_what_is_no_secret_proves_nothing(town: Town, bob: Caller, secret: str) -> None:
    await town.token("bob")
    with pytest.raises(AuthFailed):
        await town.recognises(secret)


async def test_a_token_ends_after_thirty_days_used_or_not(town: Town, bob: Caller) -> None:
    secret = await town.token("bob")
    for _ in range(29):
        town.clock.pass_seconds(DAY / 1000)
        assert await town.recognises(secret)
    town.clock.pass_seconds(DAY / 1000)
    with pytest.raises(AuthFailed):
        await town.recognises(secret)


async def test_an_unused_token_outlives_an_idle_session(town: Town, bob: Caller) -> None:
    token = await town.token("bob")
    session, _ = await town.accounts.open_session(bob.account, address=OFFICE)
    town.clock.pass_seconds(12 * HOUR / 1000 - 1)
    assert await town.recognises(session)
    town.clock.pass_seconds(12 * HOUR / 1000 - 1)
    assert await town.recognises(session)
    town.clock.pass_seconds(12 * HOUR / 1000)
    assert await town.recognises(token)
    with pytest.raises(AuthFailed):
        await town.recognises(session)


async def test_a_session_ends_after_thirty_days_however_busy(town: Town, bob: Caller) -> None:
    session, _ = await town.accounts.open_session(bob.account, address=OFFICE)
    for _ in range(30 * 4 - 1):
        town.clock.pass_seconds(6 * HOUR / 1000)
        assert await town.recognises(session)
    town.clock.pass_seconds(6 * HOUR / 1000)
    with pytest.raises(AuthFailed):
        await town.recognises(session)


async def test_use_is_written_once_a_minute_at_most(
    town: Town, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = await town.token("bob")
    touched: list[int] = []
    real = town.store.touch_session

    async def watched(session_id: int, now: int, expires: int) -> None:
        touched.append(now)
        await real(session_id, now, expires)

    monkeypatch.setattr(town.store, "touch_session", watched)
    for _ in range(121):
        town.clock.pass_seconds(1)
        await town.recognises(secret)
    assert len(touched) == 2


async def test_logging_out_ends_that_session_alone(town: Town, bob: Caller) -> None:
    one, other = await town.token("bob"), await town.token("bob")
    session, account = await town.accounts.authenticate(one, address=OFFICE, door=Door.TCP)
    await town.accounts.log_out(caller(account, session_id=session.id))
    assert town.ended == [(bob.account.id, session.id)]
    with pytest.raises(AuthFailed):
        await town.recognises(one)
    assert await town.recognises(other)


async def test_logging_out_without_a_session_is_nothing(town: Town, bob: Caller) -> None:
    await town.accounts.log_out(bob)
    assert town.ended == []


async def test_nobody_is_no_account(town: Town) -> None:
    anonymous = town.accounts.anonymous()
    assert (anonymous.id, anonymous.role) == (ANONYMOUS_ID, Role.USER)
    with pytest.raises(Forbidden):
        await town.accounts.issue_token(anonymous, name="", address=OFFICE)
    with pytest.raises(Forbidden):
        await town.accounts.change_own_password(caller(anonymous), "", NEW)
    with pytest.raises(Forbidden):
        await town.accounts.sessions(caller(anonymous), "anonymous")


# What ends everything at once

Change = Callable[[Town, Caller], Awaitable[object]]


async def disable(town: Town, ann: Caller) -> None:
    await town.accounts.set_enabled(ann, "bob", False)


async def demote(town: Town, ann: Caller) -> None:
    await town.accounts.set_role(ann, "bob", Role.USER)


async def promote(town: Town, ann: Caller) -> None:
    await town.accounts.set_role(ann, "bob", Role.ADMIN)


async def reset(town: Town, ann: Caller) -> None:
    await town.accounts.set_password(ann, "bob", NEW)


async def delete(town: Town, ann: Caller) -> None:
    await town.accounts.delete(ann, "bob")


async def change_own(town: Town, ann: Caller) -> None:
    login = await town.store.login("bob")
    await town.accounts.change_own_password(caller(login.account), PASSWORD, NEW)


async def log_out_everywhere(town: Town, ann: Caller) -> None:
    await town.accounts.end_sessions(ann, "bob")


@pytest.mark.parametrize(
    ("change", "role"),
    [
        (disable, Role.USER),
        (demote, Role.ADMIN),
        (promote, Role.USER),
        (reset, Role.USER),
        (delete, Role.USER),
        (change_own, Role.USER),
        (log_out_everywhere, Role.USER),
    ],
)
async def test_sessions_and_tokens_end_and_the_doors_hear_of_it(
    town: Town, ann: Caller, change: Change, role: Role
) -> None:
    bob = await town.settle("bob", role)
    token = await town.token("bob")
    session, _ = await town.accounts.open_session(bob, address=OFFICE)
    anns = await town.token("ann")
    await change(town, ann)
    assert town.ended == [(bob.id, None)]
    for secret in (token, session):
        with pytest.raises(AuthFailed):
            await town.recognises(secret)
    assert await town.recognises(anns)


async def test_doors_hear_of_it_although_the_admin_hung_up(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, let_go = asyncio.Event(), asyncio.Event()
    real = town.store.set_enabled

    async def slow(account_id: int, enabled: bool) -> Account:
        began.set()
        await let_go.wait()
        return await real(account_id, enabled)

    monkeypatch.setattr(town.store, "set_enabled", slow)
    disabling = asyncio.create_task(town.accounts.set_enabled(ann, "bob", False))
    await began.wait()
    disabling.cancel()
    await asyncio.wait([disabling])
    let_go.set()
    await town.accounts.stop()
    assert town.ended == [(bob.account.id, None)]
    assert await town.last_event() == ("ann", "user_disable", "ok", "bob")


async def test_a_change_that_failed_ends_nothing(town: Town, ann: Caller, bob: Caller) -> None:
    secret = await town.token("bob")
    town.store.fail("set_role", NoSpace())
    with pytest.raises(NoSpace):
        await town.accounts.set_role(ann, "bob", Role.ADMIN)
    assert town.ended == []
    assert await town.recognises(secret)
    assert await town.token("bob")


async def test_after_a_change_that_failed_logins_go_on(town: Town, ann: Caller, bob: Caller) -> None:
    town.store.fail("set_password", StorageFailed())
    with pytest.raises(StorageFailed):
        await town.accounts.set_password(ann, "bob", NEW)
    assert await town.log_in("bob")


# Managing users


async def test_an_admin_adds_a_user(town: Town, ann: Caller) -> None:
    made = await town.accounts.add(ann, "Eve", PASSWORD)
    assert (made.name, made.role, made.enabled, made.default_password) == ("Eve", Role.USER, True, False)
    assert (await town.log_in("eve")).id == made.id
    assert [account.name for account in await town.accounts.list(ann)] == ["ann", "Eve"]


async def test_a_taken_name_is_refused_whatever_its_case(town: Town, ann: Caller, bob: Caller) -> None:
    with pytest.raises(Conflict):
        await town.accounts.add(ann, "BOB", PASSWORD)
    assert await town.last_event() == ("ann", "user_add", "conflict", "BOB")


@pytest.mark.parametrize("name", ["", "anonymous", "a/b", "a b", "x" * 65])
async def test_a_bad_name_is_refused(town: Town, ann: Caller, name: str) -> None:
    with pytest.raises(BadName):
        await town.accounts.add(ann, name, PASSWORD)


async def test_a_weak_password_is_refused(town: Town, ann: Caller, bob: Caller) -> None:
    with pytest.raises(BadPassword):
        await town.accounts.add(ann, "eve", "12345678")
    with pytest.raises(BadPassword):
        await town.accounts.set_password(ann, "bob", "short")
    assert await town.log_in("bob")


@pytest.mark.parametrize("name", ["nobody", "anonymous", "../x", "\ud800"])
async def test_who_does_not_exist_is_not_found(town: Town, ann: Caller, name: str) -> None:
    for change in (
        town.accounts.set_password(ann, name, NEW),
        town.accounts.set_role(ann, name, Role.ADMIN),
        town.accounts.set_enabled(ann, name, False),
        town.accounts.delete(ann, name),
        town.accounts.sessions(ann, name),
        town.accounts.end_sessions(ann, name),
        town.accounts.end_session(ann, name, 1),
    ):
        with pytest.raises(NotFound):
            await change


async def test_a_user_manages_nobody(town: Town, ann: Caller, bob: Caller) -> None:
    for change in (
        town.accounts.list(bob),
        town.accounts.add(bob, "eve", PASSWORD),
        town.accounts.set_password(bob, "ann", NEW),
        town.accounts.set_password(bob, "bob", NEW),
        town.accounts.set_role(bob, "bob", Role.ADMIN),
        town.accounts.set_enabled(bob, "ann", False),
        town.accounts.delete(bob, "ann"),
        town.accounts.sessions(bob, "ann"),
        town.accounts.sessions(bob, "nobody"),
        town.accounts.end_sessions(bob, "ann"),
        town.accounts.end_session(bob, "ann", 1),
    ):
        with pytest.raises(Forbidden):
            await change
    assert {event.outcome for event in await town.events()} == {"denied"}


async def test_the_last_enabled_admin_stays(town: Town, ann: Caller, bob: Caller) -> None:
    for change in (
        town.accounts.set_role(ann, "ann", Role.USER),
        town.accounts.set_enabled(ann, "ann", False),
        town.accounts.delete(ann, "ann"),
    ):
        with pytest.raises(Conflict):
            await change
    assert await town.log_in("ann")
    await town.accounts.set_role(ann, "bob", Role.ADMIN)
    await town.accounts.delete(ann, "ann")


async def test_a_role_or_state_that_is_already_so_ends_nothing(town: Town, ann: Caller, bob: Caller) -> None:
    secret = await town.token("bob")
    await town.accounts.set_role(ann, "bob", Role.USER)
    await town.accounts.set_enabled(ann, "bob", True)
    assert await town.recognises(secret)


async def test_an_enabled_account_logs_in_again_but_its_old_tokens_are_gone(
    town: Town, ann: Caller, bob: Caller
) -> None:
    secret = await town.token("bob")
    await town.accounts.set_enabled(ann, "bob", False)
    await town.accounts.set_enabled(ann, "bob", True)
    assert await town.log_in("bob")
    with pytest.raises(AuthFailed):
        await town.recognises(secret)


async def test_a_new_password_unlocks_its_owner(town: Town, ann: Caller, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "forgotten")
    await town.accounts.set_password(ann, "bob", NEW)
    assert await town.log_in("bob", NEW)


async def test_a_new_account_of_an_old_name_inherits_nothing(town: Town, ann: Caller, bob: Caller) -> None:
    secret = await town.token("bob")
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong")
    await town.accounts.delete(ann, "bob")
    made = await town.accounts.add(ann, "bob", NEW)
    assert made.id != bob.account.id
    with pytest.raises(AuthFailed):
        await town.recognises(secret)
    with pytest.raises(AuthFailed):
        await town.log_in("bob", PASSWORD)
    assert (await town.log_in("bob", NEW)).id == made.id


# One's own


async def test_a_password_is_changed_by_who_knows_it(town: Town, bob: Caller) -> None:
    account = await town.accounts.change_own_password(bob, PASSWORD, NEW)
    secret, _ = await town.accounts.open_session(account, address=OFFICE)
    assert await town.recognises(secret)
    with pytest.raises(AuthFailed):
        await town.log_in("bob", PASSWORD)
    assert await town.log_in("bob", NEW)


async def test_a_stolen_session_does_not_guess_the_password(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT):
        with pytest.raises(AuthFailed):
            await town.accounts.change_own_password(bob, "guess", NEW)
    with pytest.raises(TooManyAttempts):
        await town.accounts.change_own_password(bob, PASSWORD, NEW)


async def test_a_deleted_callers_password_change_does_not_reach_a_namesake(
    town: Town, ann: Caller, bob: Caller
) -> None:
    await town.accounts.delete(ann, "bob")
    await town.accounts.add(ann, "bob", PASSWORD)
    with pytest.raises(AuthFailed):
        await town.accounts.change_own_password(bob, PASSWORD, NEW)
    assert await town.log_in("bob", PASSWORD)


async def test_an_admins_reset_has_the_last_word(
    town: Town, ann: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = town.passwords.hash

    async def hash_after_the_admin_came(password: str, name: str) -> str:
        monkeypatch.setattr(town.passwords, "hash", real)
        await town.accounts.set_password(ann, "bob", NEW)
        return await real(password, name)

    monkeypatch.setattr(town.passwords, "hash", hash_after_the_admin_came)
    with pytest.raises(AuthFailed):
        await town.accounts.change_own_password(bob, PASSWORD, "the thief's own")
    assert await town.log_in("bob", NEW)


async def test_everyone_sees_and_ends_their_own_sessions(town: Town, ann: Caller, bob: Caller) -> None:
    one, other, anns = await town.token("bob"), await town.token("bob"), await town.token("ann")
    newest, oldest = await town.accounts.sessions(bob, "BOB")
    await town.accounts.end_session(bob, "bob", oldest.id)
    assert town.ended == [(bob.account.id, oldest.id)]
    with pytest.raises(AuthFailed):
        await town.recognises(one)
    assert await town.recognises(other)
    (of_ann,) = await town.accounts.sessions(ann, "ann")
    with pytest.raises(NotFound):
        await town.accounts.end_session(bob, "bob", of_ann.id)
    assert await town.recognises(anns)
    assert newest.name == "laptop"


async def test_all_other_sessions_end_but_the_one_that_asks(town: Town, bob: Caller) -> None:
    await town.token("bob")
    here = await town.token("bob")
    await town.token("bob")
    newest, kept, oldest = await town.accounts.sessions(bob, "bob")
    assert await town.accounts.end_sessions(bob, "bob", keep=kept.id) == 2
    assert set(town.ended) == {(bob.account.id, newest.id), (bob.account.id, oldest.id)}
    assert await town.recognises(here)


# What is written down


async def test_logins_and_failures_stand_in_the_trail(town: Town, bob: Caller) -> None:
    await town.log_in("bob")
    assert await town.last_event() == ("bob", "login", "ok", "")
    with pytest.raises(AuthFailed):
        await town.log_in("bob", "wrong")
    assert await town.last_event() == ("bob", "login", "auth_failed", "wrong password")


async def test_a_password_typed_as_a_name_is_not_written_down(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(AuthFailed):
        await town.log_in("MySecretPassw0rd", "")
    assert "MySecretPassw0rd".casefold() not in f"{caplog.text} {await town.events()}".casefold()


async def test_a_locked_account_is_named_in_the_trail(town: Town, bob: Caller) -> None:
    for _ in range(PER_ACCOUNT + 5):
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong")
    assert await town.last_event() == ("bob", "login", "too_many_attempts", "(5 times)")


async def test_changes_of_users_stand_in_the_trail(town: Town, ann: Caller, bob: Caller) -> None:
    await town.accounts.add(ann, "eve", PASSWORD, Role.ADMIN)
    await town.accounts.set_password(ann, "bob", NEW)
    await town.accounts.set_role(ann, "bob", Role.ADMIN)
    await town.accounts.set_enabled(ann, "bob", False)
    await town.accounts.set_enabled(ann, "bob", True)
    await town.accounts.delete(ann, "bob")
    assert [(e.account, e.action, e.detail) for e in reversed(await town.events())] == [
        ("ann", "user_add", "eve: admin"),
        ("ann", "user_password", "bob"),
        ("ann", "user_role", "bob: admin"),
        ("ann", "user_disable", "bob"),
        ("ann", "user_enable", "bob"),
        ("ann", "user_delete", "bob"),
    ]


async def test_no_secret_is_ever_written_down(
    town: Town, ann: Caller, bob: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = await town.token("bob")
        await town.recognises(token)
        with pytest.raises(AuthFailed):
            await town.log_in("bob", "wrong password here")
        with pytest.raises(AuthFailed):
            await town.recognises("not-a-token-at-all")
        await town.accounts.set_password(ann, "bob", NEW)
        await town.accounts.end_sessions(ann, "bob")
    written = f"{caplog.text} {await town.events()}"
    for secret in (PASSWORD, NEW, token, "wrong password here", "not-a-token-at-all", "$2b$"):
        assert secret not in written
