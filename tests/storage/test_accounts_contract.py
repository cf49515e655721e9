"""What every account store promises, asked of each of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fileshare.domain.model import (
    ANONYMOUS_ID,
    Account,
    Event,
    OnConflict,
    Role,
    Session,
    Upload,
    UploadState,
)
from fileshare.errors import Conflict, NotFound
from fileshare.services.ports import AccountStore, Catalog, Finish
from fileshare.storage.memory import MemoryCatalog
from fileshare.storage.memory_accounts import MemoryAccounts
from fileshare.storage.sqlite.accounts import SqliteAccounts
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database

NOW = 1_700_000_000_000
HASH = "$2b$04$" + "x" * 53
SECRET, OTHER, THIRD = b"1" * 32, b"2" * 32, b"3" * 32


def half_done(owner_id: int, upload_id: str) -> Upload:
    return Upload(
        id=upload_id,
        client_id=None,
        owner_id=owner_id,
        path="p",
        size=None,
        digest=None,
        on_conflict=OnConflict.KEEP_BOTH,
        modified=None,
        state=UploadState.RECEIVING,
        offset=0,
        epoch=0,
        boot_id="",
        device=0,
        created=NOW,
        touched=NOW,
    )


class Kept:
    """A store under test, beside the catalog that keeps the uploads and files of its accounts."""

    def __init__(self, store: AccountStore, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog
        self._finished: list[str] = []

    async def person(self, name: str, role: Role = Role.USER) -> Account:
        return await self.store.add(name, role, HASH, False, NOW)

    async def session(
        self, account: Account, secret_hash: bytes = SECRET, *, expires: int = NOW + 1000
    ) -> Session:
        new = Session(0, account.id, "token", "laptop", NOW, expires, NOW, "192.0.2.1")
        return await self.store.add_session(new, secret_hash)

    async def knows(self, secret_hash: bytes) -> bool:
        try:
            await self.store.session(secret_hash, NOW)
        except NotFound:
            return False
        return True

    async def give_file(self, account: Account, path: str) -> None:
        """A stored file, with its receipt."""
        finished = f"{len(self._finished):032x}"
        digest = hashlib.sha256(b"").hexdigest()
        item = Finish(account.id, finished, None, path, digest, 0, NOW, OnConflict.KEEP_BOTH, data=b"")
        await self.catalog.finish([item], NOW)
        self._finished.append(finished)

    async def receipts(self) -> list[int]:
        """Whose receipts there are."""
        found = [await self.catalog.receipt_of(upload_id) for upload_id in self._finished]
        return [receipt.owner_id for receipt in found if receipt is not None]


def in_memory() -> Kept:
    def name_of(account_id: int) -> str:
        return store.name_of(account_id)

    catalog = MemoryCatalog(name_of)
    store = MemoryAccounts(catalog.forget_owner)
    return Kept(store, catalog)


@pytest.fixture(params=["memory", "sqlite"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    if request.param == "memory":
        yield in_memory()
        return
    database = Database(tmp_path / "fileshare.db")
    await database.open()
    yield Kept(SqliteAccounts(database), SqliteCatalog(database))
    await database.close()


# Accounts


async def test_an_account_is_found_by_name_and_id(kept: Kept) -> None:
    made = await kept.store.add("Bob", Role.ADMIN, HASH, True, NOW)
    assert made == Account(made.id, "Bob", Role.ADMIN, True, True, NOW, None)
    assert await kept.store.account(made.id) == made
    login = await kept.store.login("bOB")
    assert (login.account, login.password_hash) == (made, HASH)


async def test_a_name_is_taken_whatever_its_case(kept: Kept) -> None:
    await kept.person("straße")
    with pytest.raises(Conflict):
        await kept.person("STRASSE")


async def test_two_who_want_one_name_at_once_do_not_both_get_it(kept: Kept) -> None:
    outcomes = await asyncio.gather(kept.person("bob"), kept.person("BOB"), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "Conflict"]


async def test_who_is_not_there_is_not_found(kept: Kept) -> None:
    for asked in (
        kept.store.login("bob"),
        kept.store.account(99),
        kept.store.set_password(99, HASH),
        kept.store.set_role(99, Role.ADMIN),
        kept.store.set_enabled(99, False),
        kept.store.delete(99, NOW),
    ):
        with pytest.raises(NotFound):
            await asked
    await kept.store.note_login(99, NOW)


async def test_anonymous_is_known_by_id_but_nobody_logs_in_as_it(kept: Kept) -> None:
    anonymous = await kept.store.account(ANONYMOUS_ID)
    assert (anonymous.name, anonymous.role) == ("anonymous", Role.USER)
    assert await kept.store.accounts() == []
    for asked in (
        kept.store.login("anonymous"),
        kept.store.set_password(ANONYMOUS_ID, HASH),
        kept.store.set_role(ANONYMOUS_ID, Role.ADMIN),
        kept.store.set_enabled(ANONYMOUS_ID, False),
        kept.store.delete(ANONYMOUS_ID, NOW),
        kept.session(anonymous),
    ):
        with pytest.raises(NotFound):
            await asked
    with pytest.raises(Conflict):
        await kept.person("Anonymous")


async def test_accounts_are_listed_by_name(kept: Kept) -> None:
    for name in ("bob", "Ann", "carl"):
        await kept.person(name)
    assert [account.name for account in await kept.store.accounts()] == ["Ann", "bob", "carl"]


async def test_a_new_password_is_no_default_any_more(kept: Kept) -> None:
    made = await kept.store.add("admin", Role.ADMIN, HASH, True, NOW)
    await kept.store.set_password(made.id, "other hash")
    login = await kept.store.login("admin")
    assert (login.account.default_password, login.password_hash) == (False, "other hash")


async def test_a_login_is_remembered(kept: Kept) -> None:
    made = await kept.person("bob")
    await kept.store.note_login(made.id, NOW + 5)
    assert (await kept.store.account(made.id)).last_login == NOW + 5


async def test_role_and_state_change(kept: Kept) -> None:
    await kept.person("ann", Role.ADMIN)
    bob = await kept.person("bob")
    assert (await kept.store.set_role(bob.id, Role.ADMIN)).role is Role.ADMIN
    assert (await kept.store.set_enabled(bob.id, False)).enabled is False
    assert (await kept.store.set_enabled(bob.id, True)).enabled is True
    assert (await kept.store.set_role(bob.id, Role.USER)).role is Role.USER
    assert await kept.store.account(bob.id) == bob


# Always one enabled admin


async def test_the_last_enabled_admin_can_not_go(kept: Kept) -> None:
    ann = await kept.person("ann", Role.ADMIN)
    off = await kept.person("off", Role.ADMIN)
    await kept.store.set_enabled(off.id, False)
    await kept.person("bob")
    await kept.session(ann)
    for change in (
        kept.store.set_role(ann.id, Role.USER),
        kept.store.set_enabled(ann.id, False),
        kept.store.delete(ann.id, NOW),
    ):
        with pytest.raises(Conflict):
            await change
    assert await kept.store.account(ann.id) == ann
    assert await kept.knows(SECRET)


async def test_a_disabled_admin_is_nobodys_last(kept: Kept) -> None:
    await kept.person("ann", Role.ADMIN)
    off = await kept.person("off", Role.ADMIN)
    await kept.store.set_enabled(off.id, False)
    await kept.store.set_role(off.id, Role.USER)
    await kept.store.delete(off.id, NOW)


async def test_a_deleted_admin_does_not_count(kept: Kept) -> None:
    ann, eve = await kept.person("ann", Role.ADMIN), await kept.person("eve", Role.ADMIN)
    await kept.store.delete(eve.id, NOW)
    with pytest.raises(Conflict):
        await kept.store.delete(ann.id, NOW)


async def test_two_admins_who_remove_each_other_at_once_do_not_both_succeed(kept: Kept) -> None:
    ann, eve = await kept.person("ann", Role.ADMIN), await kept.person("eve", Role.ADMIN)
    outcomes = await asyncio.gather(
        kept.store.set_enabled(eve.id, False),
        kept.store.set_role(ann.id, Role.USER),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "Conflict"]


# Deleting


async def test_a_deleted_account_is_gone_with_its_sessions_uploads_and_receipts(kept: Kept) -> None:
    bob, eve = await kept.person("bob"), await kept.person("eve")
    await kept.session(bob)
    await kept.session(eve, OTHER)
    for owner, upload_id in ((bob, "a" * 32), (bob, "b" * 32), (eve, "c" * 32)):
        await kept.catalog.add_upload(half_done(owner.id, upload_id))
        await kept.give_file(owner, f"of {owner.name}")
    assert sorted(await kept.store.delete(bob.id, NOW)) == ["a" * 32, "b" * 32]
    assert [upload.id for upload in await kept.catalog.uploads()] == ["c" * 32]
    assert await kept.receipts() == [eve.id]
    assert [await kept.knows(secret) for secret in (SECRET, OTHER)] == [False, True]
    assert [account.name for account in await kept.store.accounts()] == ["eve"]
    for asked in (kept.store.login("bob"), kept.store.account(bob.id), kept.store.delete(bob.id, NOW)):
        with pytest.raises(NotFound):
            await asked


async def test_the_files_of_a_deleted_account_stay_and_name_it(kept: Kept) -> None:
    bob = await kept.person("bob")
    await kept.give_file(bob, "a.txt")
    await kept.store.delete(bob.id, NOW)
    await kept.person("bob")
    (version,) = await kept.catalog.versions("a.txt")
    assert version.owner == "bob"


async def test_the_name_of_a_deleted_account_is_free_and_brings_nothing(kept: Kept) -> None:
    bob = await kept.person("bob")
    await kept.store.note_failures([("bob", "192.0.2.1", NOW), ("eve", "192.0.2.1", NOW)])
    await kept.store.delete(bob.id, NOW)
    again = await kept.person("Bob")
    assert again.id > bob.id
    assert await kept.store.sessions(again.id) == []
    assert await kept.store.failures(0) == [("eve", "192.0.2.1", NOW)]
    await kept.store.delete(again.id, NOW)
    assert (await kept.person("bob")).id > again.id


# Sessions


async def test_a_session_is_found_by_its_secret_with_its_account(kept: Kept) -> None:
    bob = await kept.person("bob")
    made = await kept.session(bob)
    assert made == Session(made.id, bob.id, "token", "laptop", NOW, NOW + 1000, NOW, "192.0.2.1")
    assert await kept.store.session(SECRET, NOW) == (made, bob)
    assert not await kept.knows(OTHER)


async def test_a_session_ends_at_its_time(kept: Kept) -> None:
    await kept.session(await kept.person("bob"), expires=NOW + 10)
    assert await kept.store.session(SECRET, NOW + 9)
    with pytest.raises(NotFound):
        await kept.store.session(SECRET, NOW + 10)


async def test_use_moves_the_end_of_a_session(kept: Kept) -> None:
    made = await kept.session(await kept.person("bob"))
    await kept.store.touch_session(made.id, NOW + 5, NOW + 5000)
    found, _ = await kept.store.session(SECRET, NOW + 4000)
    assert (found.used, found.expires, found.created) == (NOW + 5, NOW + 5000, NOW)


async def test_sessions_are_listed_the_newest_first(kept: Kept) -> None:
    bob, eve = await kept.person("bob"), await kept.person("eve")
    one, two = await kept.session(bob, SECRET), await kept.session(bob, OTHER)
    await kept.session(eve, THIRD)
    assert await kept.store.sessions(bob.id) == [two, one]


async def test_one_session_ends_and_the_others_stay(kept: Kept) -> None:
    bob = await kept.person("bob")
    one = await kept.session(bob, SECRET)
    await kept.session(bob, OTHER)
    await kept.store.end_session(one.id)
    await kept.store.end_session(one.id)
    assert not await kept.knows(SECRET)
    assert await kept.knows(OTHER)


async def test_all_sessions_end_but_the_kept_one_and_other_peoples(kept: Kept) -> None:
    bob, eve = await kept.person("bob"), await kept.person("eve")
    one = await kept.session(bob, SECRET)
    await kept.session(bob, OTHER)
    await kept.session(eve, THIRD)
    assert await kept.store.end_sessions(bob.id, keep=one.id) == 1
    assert [await kept.knows(secret) for secret in (SECRET, OTHER, THIRD)] == [True, False, True]
    assert await kept.store.end_sessions(bob.id) == 1
    assert [await kept.knows(secret) for secret in (SECRET, OTHER, THIRD)] == [False, False, True]


async def test_expired_sessions_are_removed(kept: Kept) -> None:
    bob = await kept.person("bob")
    over = await kept.session(bob, SECRET, expires=NOW)
    kept_on = await kept.session(bob, OTHER, expires=NOW + 1)
    assert await kept.store.expire_sessions(NOW) == [(bob.id, over.id)]
    assert await kept.store.sessions(bob.id) == [kept_on]


@pytest.mark.parametrize("change", ["password", "role", "disabled"])
async def test_a_change_of_the_account_ends_its_sessions(kept: Kept, change: str) -> None:
    bob, eve = await kept.person("bob"), await kept.person("eve")
    await kept.session(bob, SECRET)
    await kept.session(eve, OTHER)
    if change == "password":
        await kept.store.set_password(bob.id, HASH)
    elif change == "role":
        await kept.store.set_role(bob.id, Role.ADMIN)
    else:
        await kept.store.set_enabled(bob.id, False)
        await kept.store.set_enabled(bob.id, True)
    assert not await kept.knows(SECRET)
    assert await kept.store.sessions(bob.id) == []
    assert await kept.knows(OTHER)


async def test_a_disabled_or_deleted_account_gets_no_session(kept: Kept) -> None:
    bob, eve = await kept.person("bob"), await kept.person("eve")
    await kept.store.set_enabled(bob.id, False)
    await kept.store.delete(eve.id, NOW)
    for account in (bob, eve):
        with pytest.raises(NotFound):
            await kept.session(account)
    await kept.store.set_enabled(bob.id, True)
    assert await kept.store.sessions(bob.id) == []


# Failed logins


async def test_failures_come_back_the_oldest_first(kept: Kept) -> None:
    await kept.store.note_failures([("bob", "a", 30), ("eve", "a", 10)])
    await kept.store.note_failures([("bob", "b", 20)])
    assert await kept.store.failures(0) == [("eve", "a", 10), ("bob", "b", 20), ("bob", "a", 30)]
    assert await kept.store.failures(20) == [("bob", "b", 20), ("bob", "a", 30)]


async def test_a_success_clears_its_own_failures(kept: Kept) -> None:
    await kept.store.note_failures([("bob", "a", 10), ("bob", "b", 20), ("eve", "a", 30), ("bob", "a", 40)])
    await kept.store.clear_failures({("bob", "a"), ("nobody", "a")})
    assert await kept.store.failures(0) == [("bob", "b", 20), ("eve", "a", 30)]


async def test_old_failures_are_forgotten(kept: Kept) -> None:
    await kept.store.note_failures([("bob", "a", 10), ("bob", "a", 20)])
    await kept.store.forget_failures(20)
    assert await kept.store.failures(0) == [("bob", "a", 20)]


# Events


def event(
    time: int = NOW, action: str = "download", account: str = "bob", path: str = "a.txt", detail: str = ""
) -> Event:
    return Event(time, action, account, path, "192.0.2.1", "tcp", "ok", detail)


async def test_events_come_back_the_newest_first_and_in_pages(kept: Kept) -> None:
    await kept.store.add_events(event(path=f"file {number}") for number in range(5))
    first = await kept.store.events(2)
    assert [e.path for e in first] == ["file 4", "file 3"]
    second = await kept.store.events(2, before_id=first[-1].id)
    assert [e.path for e in second] == ["file 2", "file 1"]
    assert first[0] == Event(NOW, "download", "bob", "file 4", "192.0.2.1", "tcp", "ok", "", id=first[0].id)


async def test_old_events_are_forgotten_in_steps_the_oldest_first(kept: Kept) -> None:
    await kept.store.add_events(event(time=time, path=f"at {time}") for time in (30, 10, 20, 40))
    assert await kept.store.forget_events(40, 2) == 2
    assert [e.path for e in await kept.store.events(10)] == ["at 40", "at 30"]
    assert await kept.store.forget_events(40, 2) == 1
    assert await kept.store.forget_events(40, 2) == 0
    await kept.store.add_events([event(time=50)])
    newest, known = await kept.store.events(10)
    assert (newest.id or 0) > (known.id or 0), "no number is used twice"


async def test_events_are_filtered_by_all_that_is_asked(kept: Kept) -> None:
    await kept.store.add_events(
        [
            event(NOW, "login", "bob", "", "wrong password"),
            event(NOW + 1, "download", "bob", "Reports/50%_off.pdf"),
            event(NOW + 2, "download", "eve", "Größe.txt"),
            replace(event(NOW + 3, "download", "bob", "other"), door="web"),
        ]
    )

    async def times(**filters: object) -> list[int]:
        return [e.time - NOW for e in await kept.store.events(10, **filters)]  # type: ignore[arg-type]

    assert await times() == [3, 2, 1, 0]
    assert await times(account="bob") == [3, 1, 0]
    assert await times(account="bo") == []
    assert await times(action="download", account="bob") == [3, 1]
    assert await times(door="web") == [3]
    assert await times(door="we") == []
    assert await times(text="REPORTS/50%_") == [1]
    assert await times(text="%") == [1]
    assert await times(text="größe") == [2]
    assert await times(text="GRÖSSE") == []
    assert await times(text="Wrong") == [0]
    assert await times(text="192.0.2") == [3, 2, 1, 0]
    assert await times(text="eve") == [2]
    assert await times(since=NOW + 1, until=NOW + 3) == [2, 1]
    assert await times(text="download", account="bob", until=NOW + 2) == [1]


async def test_events_of_a_deleted_account_stay(kept: Kept) -> None:
    bob = await kept.person("bob")
    await kept.store.add_events([event()])
    await kept.store.delete(bob.id, NOW)
    assert len(await kept.store.events(10)) == 1
