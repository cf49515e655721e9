"""What callers may do with files and folders, and what it leaves behind."""

import os
from collections.abc import Awaitable, Callable, Sequence

import pytest

from fileshare.domain.model import Caller, Event, File, Folder, Role
from fileshare.errors import (
    BadName,
    BadRequest,
    Conflict,
    ConnectionLost,
    Damaged,
    FileshareError,
    Forbidden,
    NoSpace,
    NotFound,
)
from fileshare.services.audit import Audit
from fileshare.services.files import Files
from fileshare.services.ports import Listing, OpenFile
from tests.services.shelf import MemoryShelf, Shelf, caller, digest_of, large

ADMIN = caller(Role.ADMIN, "ann", 1)
USER = caller(Role.USER, "ben", 2)


class Basket:
    """A sink that keeps what it gets, and may be cut after some bytes."""

    def __init__(self, cut_after: int | None = None) -> None:
        self.data = b""
        self._cut_after = cut_after

    async def write(self, data: bytes | memoryview) -> None:
        self.data += data
        if self._cut_after is not None and len(self.data) >= self._cut_after:
            raise ConnectionLost()

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        await self.write(os.pread(file.fileno(), count, offset))


class Place:
    """A shelf with the service of files in front of it."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.put = shelf.put
        self.catalog = shelf.catalog
        self.clock = shelf.clock
        self.audit = Audit(shelf.accounts, shelf.clock)
        self.nudges = 0
        self.files = Files(
            shelf.catalog,
            shelf.blobs,
            self.audit,
            clock=shelf.clock,
            reserve=shelf.reserve,
            nudge=self._nudge,
        )

    def _nudge(self) -> None:
        self.nudges += 1

    async def events(self) -> Sequence[Event]:
        return await self.audit.events(ADMIN, limit=100)

    async def last_event(self) -> tuple[str, str, str, str]:
        event = (await self.events())[0]
        return event.account, event.action, event.path, event.outcome


@pytest.fixture
def place(shelf: Shelf) -> Place:
    return Place(shelf)


# Looking


async def test_root_is_the_empty_path(place: Place) -> None:
    entry = await place.files.entry(USER, "")
    assert isinstance(entry, Folder)


async def test_decomposed_name_finds_its_composed_file(place: Place) -> None:
    await place.put("caf\u00e9", b"x")
    assert (await place.files.entry(USER, "cafe\u0301")).path == "caf\u00e9"
    page = await place.files.listing(USER, Listing("", 10, query="fe\u0301"))
    assert [entry.path for entry in page.entries] == ["caf\u00e9"]


async def test_search_text_longer_than_any_name_is_refused(place: Place) -> None:
    with pytest.raises(BadRequest):
        await place.files.listing(USER, Listing("", 10, query="a\u0300" * 60_000))


async def test_walk_and_count_see_everything_below(place: Place) -> None:
    await place.put("a/b/c", b"x")
    await place.put("a/d", b"y")
    page = await place.files.walk(USER, "a", 10)
    assert [entry.path for entry in page.entries] == ["a/b", "a/b/c", "a/d"]
    assert await place.files.count(USER) == 2


async def test_version_is_found_by_its_number(place: Place) -> None:
    await place.put("a", b"one")
    await place.put("a", b"two")
    assert (await place.files.version(USER, "a", 1)).digest == digest_of(b"one")
    assert [version.number for version in await place.files.versions(USER, "a")] == [2, 1]
    with pytest.raises(NotFound):
        await place.files.version(USER, "a", 3)


async def test_looking_leaves_no_event(place: Place) -> None:
    await place.put("a", b"x")
    await place.files.entry(USER, "a")
    await place.files.versions(USER, "a")
    assert await place.events() == []


# Roles


REFUSED_TO_USERS: dict[str, Callable[[Files, Caller], Awaitable[object]]] = {
    "delete": lambda files, who: files.delete(who, "a"),
    "delete_forever": lambda files, who: files.delete_forever(who, "a"),
    "restore_version": lambda files, who: files.restore_version(who, "a", 1),
    "restore_path": lambda files, who: files.restore_path(who, "a"),
    "restore_trashed": lambda files, who: files.restore_trashed(who, 1),
    "trashed": lambda files, who: files.trashed(who),
    "empty_trash": lambda files, who: files.empty_trash(who),
    "purge_trashed": lambda files, who: files.purge_trashed(who, 1),
}


@pytest.mark.parametrize("call", REFUSED_TO_USERS.values(), ids=REFUSED_TO_USERS)
async def test_user_is_refused_what_only_admins_do(
    place: Place, call: Callable[[Files, Caller], Awaitable[object]]
) -> None:
    await place.put("a", b"x")
    with pytest.raises(Forbidden):
        await call(place.files, USER)
    assert [event.outcome for event in await place.events()] == ["denied"]
    assert (await place.files.entry(USER, "a")).path == "a"


# Names


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a//b", "a\0b", "a\\b", "a/./b"])
async def test_name_cannot_leave_the_root(place: Place, path: str) -> None:
    for call in (place.files.entry, place.files.make_folder, place.files.delete, place.files.open):
        with pytest.raises(BadName):
            await call(ADMIN, path)
    await place.put("a", b"x")
    with pytest.raises(BadName):
        await place.files.move(ADMIN, "a", path)


async def test_make_folder_and_move(place: Place) -> None:
    await place.put("a", b"x")
    await place.files.make_folder(USER, "new/deep")
    assert (await place.files.move(USER, "a", "new/deep/a")).path == "new/deep/a"
    assert await place.last_event() == ("ben", "move", "a", "ok")
    with pytest.raises(Conflict):
        await place.files.make_folder(USER, "new/deep/a")
    assert await place.last_event() == ("ben", "mkdir", "new/deep/a", "conflict")


# Deleting and taking back


async def test_deleted_file_lies_in_the_trash_and_comes_back(place: Place) -> None:
    await place.put("a", large("x"))
    trashed = await place.files.delete(ADMIN, "a")
    assert [entry.path for entry in await place.files.trashed(ADMIN)] == ["a"]
    with pytest.raises(NotFound):
        await place.files.entry(USER, "a")
    assert (await place.files.restore_trashed(ADMIN, trashed.id)).path == "a"
    assert place.nudges == 0


async def test_restore_by_path_takes_the_newest_copy(place: Place) -> None:
    for text in (b"first", b"second"):
        await place.put("a", text)
        await place.files.delete(ADMIN, "a")
        place.clock.pass_seconds(1)
    restored = await place.files.restore_path(ADMIN, "a")
    assert isinstance(restored, File)
    assert restored.version.digest == digest_of(b"second")
    with pytest.raises(NotFound):
        await place.files.restore_path(ADMIN, "b")


async def test_restored_version_becomes_the_newest(place: Place) -> None:
    await place.put("a", b"one")
    await place.put("a", b"two")
    restored = await place.files.restore_version(ADMIN, "a", 1)
    assert (restored.version.number, restored.version.digest) == (3, digest_of(b"one"))


async def test_delete_forever_takes_the_file_and_every_copy_in_the_trash(place: Place) -> None:
    await place.put("a", large("old"))
    await place.files.delete(ADMIN, "a")
    await place.put("a", large("new"))
    await place.put("b", large("other"))
    await place.files.delete(ADMIN, "b")
    given_up = await place.files.delete_forever(ADMIN, "a")
    assert given_up == len(large("old")) + len(large("new"))
    assert [entry.path for entry in await place.files.trashed(ADMIN)] == ["b"]
    assert set(await place.catalog.garbage(10)) == {digest_of(large("old")), digest_of(large("new"))}
    assert place.nudges == 1
    assert await place.last_event() == ("ann", "purge", "a", "ok")


async def test_delete_forever_reaches_what_was_deleted_before(place: Place) -> None:
    await place.put("a", large("x"))
    await place.files.delete(ADMIN, "a")
    await place.files.delete_forever(ADMIN, "a")
    assert await place.files.trashed(ADMIN) == []
    with pytest.raises(NotFound):
        await place.files.delete_forever(ADMIN, "a")


@pytest.mark.parametrize("step", ["trash", "purge"])
async def test_delete_forever_works_on_a_full_disk(memory_shelf: MemoryShelf, step: str) -> None:
    place = Place(memory_shelf)
    await place.put("a", large("x"))
    memory_shelf.catalog.fail(step, NoSpace())
    await place.files.delete_forever(ADMIN, "a")
    assert await place.catalog.garbage(10) == [digest_of(large("x"))]
    assert place.nudges == 1


async def test_full_disk_without_a_reserve_is_told(memory_shelf: MemoryShelf) -> None:
    place = Place(memory_shelf)
    await place.put("a", large("x"))
    await memory_shelf.reserve.spend()
    memory_shelf.catalog.fail("trash", NoSpace())
    with pytest.raises(NoSpace):
        await place.files.delete_forever(ADMIN, "a")


async def test_empty_trash_spares_what_is_younger(place: Place) -> None:
    await place.put("old", large("x"))
    await place.put("young", large("y"))
    await place.files.delete(ADMIN, "old")
    place.clock.pass_seconds(60)
    await place.files.delete(ADMIN, "young")
    assert await place.files.empty_trash(ADMIN, older_than=60_000) == len(large("x"))
    assert [entry.path for entry in await place.files.trashed(ADMIN)] == ["young"]
    await place.files.empty_trash(ADMIN)
    assert await place.files.trashed(ADMIN) == []


async def test_one_trash_entry_is_purged_by_its_id(place: Place) -> None:
    await place.put("a", large("x"))
    trashed = await place.files.delete(ADMIN, "a")
    assert await place.files.purge_trashed(ADMIN, trashed.id) == len(large("x"))
    with pytest.raises(NotFound):
        await place.files.purge_trashed(ADMIN, trashed.id)


# Downloading


async def test_download_sends_the_asked_range_of_the_asked_version(place: Place) -> None:
    await place.put("a", large("one"))
    await place.put("a", b"two")
    basket = Basket()
    download = await place.files.open(USER, "a", version=1)
    await place.files.send(download, 3, 9, basket)
    assert basket.data == large("one")[3:9]
    assert await place.last_event() == ("ben", "download", "a", "ok")
    current = await place.files.open(USER, "a")
    assert current.content.data == b"two"


async def test_download_of_a_folder_is_refused(place: Place) -> None:
    await place.put("folder/a", b"x")
    with pytest.raises(Conflict):
        await place.files.open(USER, "folder")
    with pytest.raises(NotFound):
        await place.files.open(USER, "nothing")


@pytest.mark.parametrize("left", [None, b"short"])
async def test_damaged_content_is_refused_before_anything_is_promised(
    place: Place, left: bytes | None
) -> None:
    receipt = await place.put("a", large("x"))
    place.shelf.damage(receipt.digest, left)
    with pytest.raises(Damaged):
        await place.files.open(USER, "a")
    assert await place.last_event() == ("ben", "download", "a", "damaged")


async def test_refusal_of_damaged_content_names_the_newest_version_that_is_whole(place: Place) -> None:
    for text in ("first", "second", "third"):
        receipt = await place.put("a", large(text))
    place.shelf.damage(receipt.digest, None)
    with pytest.raises(Damaged, match=r"version 3 is damaged .* version 2 is whole"):
        await place.files.open(USER, "a")


async def test_broken_download_is_noted_as_such(place: Place) -> None:
    await place.put("a", large("x"))
    download = await place.files.open(USER, "a")
    with pytest.raises(ConnectionLost):
        await place.files.send(download, 0, download.content.size, Basket(cut_after=1))
    assert await place.last_event() == ("ben", "download", "a", "connection_lost")


# Many small files at once


async def test_small_files_are_sent_one_after_the_other(place: Place) -> None:
    await place.put("a", b"one")
    await place.put("caf\u00e9", b"two")
    found = await place.files.open_small(USER, ["a", "../b", "cafe\u0301"], 100)
    assert [outcome.code for outcome in found.outcomes if isinstance(outcome, FileshareError)] == ["bad_name"]
    basket = Basket()
    await place.files.send_small(found, basket)
    assert basket.data == b"onetwo"
    assert found.body == b"onetwo"


async def test_small_files_that_were_cut_off_are_noted_so(place: Place) -> None:
    await place.put("a", b"one")
    found = await place.files.open_small(USER, ["a"], 100)
    with pytest.raises(ConnectionLost):
        await place.files.send_small(found, Basket(cut_after=1))
    assert await place.last_event() == ("ben", "download", "a", "connection_lost")
