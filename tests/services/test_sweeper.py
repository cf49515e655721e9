"""What the sweeper gives back, and what it never touches."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fileshare.domain import upload as life
from fileshare.domain.model import Event
from fileshare.errors import NoSpace, NotFound, StorageFailed, Unavailable
from fileshare.services import sweeper
from fileshare.services.locks import DigestLocks
from fileshare.services.sweeper import BATCH, DAY, ORPHAN_AGE, Retention, Sweeper
from tests.services.shelf import BOOT, MemoryShelf, Shelf, digest_of, large


class Place:
    """A shelf with a sweeper."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.catalog = shelf.catalog
        self.clock = shelf.clock
        self.locks = DigestLocks()
        self.sweeper = self.new_sweeper()

    def new_sweeper(self, retention: Retention | None = None) -> Sweeper:
        return Sweeper(
            self.shelf.catalog,
            self.shelf.blobs,
            self.shelf.accounts,
            expire_sessions=self._expire_sessions,
            digest_locks=self.locks,
            reserve=self.shelf.reserve,
            clock=self.clock,
            retention=retention,
            seconds=3600,
        )

    async def _expire_sessions(self) -> int:
        return len(await self.shelf.accounts.expire_sessions(self.clock()))

    async def verify_upload_of(self, data: bytes) -> str:
        """An upload in VERIFYING whose part has just been renamed; returns its id."""
        owner_id = self.shelf.owner.id
        upload = life.begin(
            "a" * 32, owner_id, "new", now=self.clock(), boot_id=BOOT, device=1, size=len(data)
        )
        await self.catalog.add_upload(upload)
        upload = life.advance(upload, len(data), self.clock())
        upload = life.verify(upload, digest_of(data), self.clock())
        await self.catalog.update_upload(upload, expected_epoch=upload.epoch)
        await self.shelf.lay_blob(data, upload.id)
        return upload.id


@pytest.fixture
def place(shelf: Shelf) -> Place:
    return Place(shelf)


async def settle() -> None:
    """Let every task go as far as it can: the stores in memory never really wait."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_blob_is_unlinked_when_its_last_version_is_gone(place: Place) -> None:
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    await place.sweeper.sweep_once()
    assert receipt.digest not in await place.shelf.lying()
    assert await place.catalog.garbage(10) == []
    assert await place.catalog.count_contents() == 0


async def test_blob_stays_while_another_file_has_the_same_content(place: Place) -> None:
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.put("b", large("x"))
    await place.shelf.purge("a")
    await place.sweeper.sweep_once()
    assert receipt.digest in await place.shelf.lying()
    assert await place.catalog.garbage(10) == []


async def test_blob_stays_while_the_trash_has_it(place: Place) -> None:
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.trash("a")
    await place.sweeper.sweep_once()
    assert receipt.digest in await place.shelf.lying()


async def test_blob_stays_while_an_upload_of_it_is_verified(place: Place) -> None:
    data = large("x")
    await place.shelf.put("a", data)
    await place.shelf.purge("a")
    upload_id = await place.verify_upload_of(data)
    assert await place.sweeper.collect() == 0
    assert digest_of(data) in await place.shelf.lying()
    await place.catalog.drop_upload(upload_id)
    assert await place.sweeper.collect() == 1
    assert digest_of(data) not in await place.shelf.lying()


async def test_more_garbage_than_one_batch_goes_in_one_sweep(place: Place) -> None:
    for number in range(BATCH + 6):
        await place.shelf.put(f"folder/{number}", large(str(number)))
    await place.shelf.purge("folder")
    swept = await place.sweeper.sweep_once()
    assert (swept.blobs, await place.shelf.lying()) == (BATCH + 6, set())


async def test_blob_is_not_unlinked_while_its_digest_is_being_finished(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    async with place.locks.hold(receipt.digest):
        sweep = asyncio.create_task(place.sweeper.collect())
        await settle()
        assert receipt.digest in await place.shelf.lying()
        await place.shelf.put("b", large("x"))
    await sweep
    assert receipt.digest in await place.shelf.lying()


async def test_row_goes_before_the_blob(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    memory_shelf.blobs.fail("remove", StorageFailed())
    with pytest.raises(StorageFailed):
        await place.sweeper.collect()
    assert await place.catalog.count_contents() == 0
    assert receipt.digest in await place.shelf.lying()
    assert await place.sweeper.collect() == 1
    assert await place.shelf.lying() == set()


async def test_nothing_is_unlinked_after_a_commit_of_unknown_outcome(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    memory_shelf.catalog.fail("release_contents", StorageFailed(), after=True)
    with pytest.raises(StorageFailed):
        await place.sweeper.sweep_once()
    with pytest.raises(Unavailable):
        await place.sweeper.sweep_once()
    assert receipt.digest in await place.shelf.lying()
    memory_shelf.catalog.reopen_after_failure()
    await place.sweeper.sweep_once()
    assert await place.shelf.lying() == set()


async def test_orphan_goes_once_it_was_seen_for_long_enough(place: Place) -> None:
    await place.shelf.lay_blob(large("orphan"))
    assert (await place.sweeper.sweep_once()).orphans == 0
    place.clock.pass_seconds(ORPHAN_AGE / 1000 - 1)
    assert (await place.sweeper.sweep_once()).orphans == 0
    place.clock.pass_seconds(1)
    assert (await place.sweeper.sweep_once()).orphans == 1
    assert await place.shelf.lying() == set()


async def test_orphan_that_became_a_file_meanwhile_stays(place: Place) -> None:
    digest = await place.shelf.lay_blob(large("late"))
    await place.sweeper.sweep_once()
    await place.shelf.put("late", large("late"))
    place.clock.pass_seconds(ORPHAN_AGE / 1000)
    assert (await place.sweeper.sweep_once()).orphans == 0
    assert digest in await place.shelf.lying()


async def test_blob_of_an_upload_that_is_verified_is_no_orphan(place: Place) -> None:
    await place.verify_upload_of(large("x"))
    await place.sweeper.sweep_once()
    place.clock.pass_seconds(ORPHAN_AGE / 1000)
    await place.sweeper.sweep_once()
    assert digest_of(large("x")) in await place.shelf.lying()


async def test_trash_expires_by_its_age(place: Place) -> None:
    await place.shelf.put("old", large("old"))
    await place.shelf.put("young", large("young"))
    await place.shelf.trash("old")
    place.clock.pass_seconds(86_400 * 29)
    await place.shelf.trash("young")
    place.clock.pass_seconds(86_400)
    assert (await place.sweeper.sweep_once()).trashed == 1
    assert [entry.path for entry in await place.catalog.trashed()] == ["young"]
    assert await place.shelf.lying() == {digest_of(large("young"))}


async def test_receipts_expire(place: Place) -> None:
    receipt = await place.shelf.put("a", large("x"))
    place.clock.now += 7 * DAY + 1
    assert (await place.sweeper.sweep_once()).receipts == 1
    assert await place.catalog.receipt_of(receipt.upload_id) is None


async def test_audit_events_go_by_their_age_and_never_all_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "EVENTS", 2)
    monkeypatch.setattr(sweeper, "EVENT_STEPS", 2)
    accounts, now = place.shelf.accounts, place.clock.now
    old = [Event(now, f"{number}", "", "", "", "", "ok", "") for number in range(5)]
    await accounts.add_events(old)
    await accounts.add_events([Event(now + 2, "young", "", "", "", "", "ok", "")])
    place.clock.now += 365 * DAY + 1
    assert [(await place.sweeper.sweep_once()).events for _ in range(3)] == [4, 1, 0]
    assert [event.action for event in await accounts.events(10)] == ["young"]


async def test_surplus_versions_go_with_their_content(place: Place) -> None:
    place.sweeper = place.new_sweeper(Retention(versions=2))
    for text in ("one", "two", "three"):
        await place.shelf.put("a", large(text))
    await place.sweeper.sweep_once()
    assert [version.number for version in await place.catalog.versions("a")] == [3, 2]
    assert digest_of(large("one")) not in await place.shelf.lying()


async def test_full_disk_is_swept_with_the_reserve(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    memory_shelf.catalog.fail("release_contents", NoSpace())
    assert await place.sweeper.collect() == 1
    assert await place.shelf.lying() == set()
    assert memory_shelf.reserve.set_aside, "it is refilled once there is room again"


async def test_nothing_is_unlinked_while_paused(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    receipt = await place.shelf.put("a", large("x"))
    await place.shelf.purge("a")
    async with place.sweeper.paused():
        sweep = asyncio.create_task(place.sweeper.sweep_once())
        await settle()
        assert receipt.digest in await place.shelf.lying()
    await sweep
    assert await place.shelf.lying() == set()


@pytest.fixture
async def running(memory_shelf: MemoryShelf) -> AsyncIterator[Place]:
    place = Place(memory_shelf)
    task = asyncio.create_task(place.sweeper.run())
    await settle()
    yield place
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nudge_collects_without_waiting_for_the_next_sweep(running: Place) -> None:
    receipt = await running.shelf.put("a", large("x"))
    await running.shelf.purge("a")
    running.sweeper.nudge()
    await settle()
    assert receipt.digest not in await running.shelf.lying()
    with pytest.raises(NotFound):
        await running.catalog.content(receipt.digest)


async def test_failed_sweep_does_not_end_the_loop(running: Place, memory_shelf: MemoryShelf) -> None:
    memory_shelf.catalog.fail("garbage", StorageFailed())
    running.sweeper.nudge()
    await settle()
    memory_shelf.catalog.reopen_after_failure()
    receipt = await running.shelf.put("a", large("x"))
    await running.shelf.purge("a")
    running.sweeper.nudge()
    await settle()
    assert receipt.digest not in await running.shelf.lying()
