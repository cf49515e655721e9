"""The audit trail: noted without waiting, written soon, never lost on the way down."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from fileshare.domain.access import Action
from fileshare.domain.model import Account, Caller, Door, Event, Role
from fileshare.errors import BadRequest, Forbidden, NoSpace
from fileshare.services import audit as module
from fileshare.services.audit import Audit
from fileshare.storage.memory_accounts import MemoryAccounts
from tests.services.shelf import Clock

ADMIN = Caller(Account(1, "ann", Role.ADMIN, True, False, 0), "127.0.0.1", Door.WEB)
USER = Caller(Account(2, "bob", Role.USER, True, False, 0), "192.0.2.1", Door.TCP)


class Signalling(MemoryAccounts):
    """A store that tells when events came."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    async def add_events(self, events: object) -> None:
        await super().add_events(events)  # type: ignore[arg-type]
        self.written.set()


class Office:
    """A trail, its store and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Signalling()
        self.audit = Audit(self.store, self.clock, delay=0)

    async def found(self, **filters: str) -> list[Event]:
        return list(await self.audit.events(ADMIN, limit=1000, **filters))  # type: ignore[arg-type]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    yield made
    await made.audit.stop()


async def test_an_event_says_who_did_what_from_where_and_how_it_ended(office: Office) -> None:
    office.audit.note(USER, Action.DOWNLOAD, "a/b.txt", "damaged", "version 3")
    (event,) = await office.found()
    assert event == Event(
        time=office.clock.now,
        action="download",
        account="bob",
        path="a/b.txt",
        address="192.0.2.1",
        door="tcp",
        outcome="damaged",
        detail="version 3",
        id=event.id,
    )


async def test_an_event_without_a_caller_says_what_is_known(office: Office) -> None:
    office.audit.note(None, "login", outcome="auth_failed", address="192.0.2.9", door=Door.WEB)
    (event,) = await office.found()
    assert (event.account, event.address, event.door) == ("", "192.0.2.9", "web")


async def test_the_doors_log_tells_of_events_and_names_what_was_refused(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        office.audit.note(USER, "upload", "a.txt", detail="5 bytes, version 1")
        office.audit.note(ADMIN, "delete", "b.txt", "denied")
        office.audit.note(USER, "upload", "one of very many", logged=False)
    told = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("fileshare.server", "INFO", "upload ok: a.txt 5 bytes, version 1"),
        ("fileshare.web", "WARNING", "delete denied: b.txt"),
    ]


async def test_events_are_written_by_themselves(office: Office) -> None:
    await office.audit.start()
    office.audit.note(USER, "logout")
    await office.store.written.wait()
    assert len(await office.store.events(10)) == 1


async def test_stopping_writes_what_is_left(office: Office) -> None:
    patient = Audit(office.store, office.clock, delay=3600)
    await patient.start()
    patient.note(USER, "logout")
    await patient.stop()
    assert len(await office.store.events(10)) == 1


async def test_a_store_that_can_not_write_gets_the_events_later_and_in_order(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.store.fail("add_events", NoSpace())
    office.audit.note(USER, "first")
    with caplog.at_level(logging.ERROR):
        await office.audit.flush()
    assert "audit events could not be written" in caplog.text
    office.audit.note(USER, "second")
    assert [event.action for event in await office.found()] == ["second", "first"]


async def test_a_flood_of_the_same_refusal_is_one_row_with_a_count(office: Office) -> None:
    for _ in range(500):
        office.audit.note(None, "login", outcome="too_many_attempts", address="192.0.2.9")
        office.clock.pass_seconds(0.001)
    office.audit.note(None, "login", outcome="too_many_attempts", address="192.0.2.8")
    events = await office.found()
    assert sorted((event.address, event.detail) for event in events) == [
        ("192.0.2.8", ""),
        ("192.0.2.9", "(500 times)"),
    ]


async def test_a_strangers_refusal_is_one_row_and_one_count_a_minute_from_all_of_its_addresses(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for number in range(100):
            office.audit.note(None, "authenticate", outcome="auth_failed", address=f"2001:db8::{number:x}")
            await office.audit.flush()
            office.clock.pass_seconds(0.1)
    assert [event.detail for event in await office.found()] == [""]
    assert len(caplog.records) == 1
    office.clock.pass_seconds(60)
    assert [event.detail for event in await office.found()] == ["(99 times more)", ""]


async def test_strangers_at_other_addresses_have_rows_of_their_own(office: Office) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        office.audit.note(None, "authenticate", outcome="auth_failed", address=address)
        await office.audit.flush()
    assert len(await office.found()) == 2


async def test_counts_of_refusals_are_written_at_the_end(office: Office) -> None:
    for _ in range(3):
        office.audit.note(None, "authenticate", outcome="auth_failed", address="192.0.2.1")
        await office.audit.flush()
    await office.audit.stop()
    assert [event.detail for event in await office.store.events(10)] == ["(2 times more)", ""]


async def test_the_same_refusal_after_a_write_is_a_row_of_its_own(office: Office) -> None:
    for _ in range(2):
        office.audit.note(USER, "delete", "a", "denied")
        await office.audit.flush()
    assert len(await office.found()) == 2


async def test_what_was_done_twice_stands_there_twice(office: Office) -> None:
    office.audit.note(USER, "download", "a")
    office.audit.note(USER, "download", "a")
    assert len(await office.found()) == 2


async def test_a_name_that_no_store_takes_does_not_spoil_the_batch(office: Office) -> None:
    office.audit.note(USER, "upload", "bad\ud800name", "bad_name")
    office.audit.note(USER, "upload", "x" * 100_000, "bad_name")
    for event in await office.found():
        event.path.encode()
        assert len(event.path) <= module.MAX_PATH


async def test_events_pile_up_to_a_limit_only(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 3)
    for number in range(5):
        office.audit.note(USER, f"action {number}")
    with caplog.at_level(logging.ERROR):
        assert len(await office.found()) == 3
    assert "2 audit events were lost" in caplog.text


async def test_a_denial_is_noted(office: Office) -> None:
    with pytest.raises(Forbidden):
        office.audit.check(USER, Action.PURGE, "a/b.txt")
    office.audit.check(ADMIN, Action.PURGE, "a/b.txt")
    (event,) = await office.found()
    assert (event.account, event.action, event.path, event.outcome) == ("bob", "purge", "a/b.txt", "denied")


async def test_only_an_admin_reads_the_trail(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.audit.events(USER, limit=10)
    assert [event.outcome for event in await office.found()] == ["denied"]


async def test_the_trail_is_searched_by_what_an_admin_types(office: Office) -> None:
    office.audit.note(USER, "download", "Reports/2024.pdf")
    office.audit.note(ADMIN, "delete", "other.txt")
    assert [event.action for event in await office.found(text="reports")] == ["download"]
    assert [event.action for event in await office.found(account="ann")] == ["delete"]
    assert await office.found(text="\ud800") == []


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_nobody_asks_for_the_whole_trail_at_once(office: Office, limit: int) -> None:
    with pytest.raises(BadRequest):
        await office.audit.events(ADMIN, limit=limit)


@pytest.mark.parametrize("number", [10**30, -(10**30)])
async def test_numbers_that_no_store_holds_are_refused(office: Office, number: int) -> None:
    for filters in ({"before_id": number}, {"since": number}, {"until": number}):
        with pytest.raises(BadRequest):
            await office.audit.events(ADMIN, limit=1, **filters)  # type: ignore[arg-type]
