"""The trash, as every catalog must keep it."""

import pytest

from fileshare.domain.model import OnConflict
from fileshare.errors import BadRequest, Conflict, NotFound
from fileshare.services.ports import Catalog, Usage
from tests.storage.builders import ANNA, BEN, NOW, blob, digest_of, file_at, finish, put, small


async def everything(catalog: Catalog) -> list[str]:
    return [entry.path for entry in (await catalog.walk("", 1000)).entries]


async def test_trashed_file_is_gone_from_sight_and_told_with_its_path(catalog: Catalog) -> None:
    await finish(catalog, small("a/x", b"123"))
    await finish(catalog, small("a/x", b"4567", on_conflict=OnConflict.REPLACE))
    trashed = await catalog.trash("a/x", BEN, NOW + 1)
    assert (trashed.path, trashed.kind, trashed.size) == ("a/x", "file", 7)
    assert (trashed.deleted, trashed.deleted_by) == (NOW + 1, "ben")
    assert await catalog.trashed() == [trashed]
    assert await everything(catalog) == ["a"]


async def test_trashed_folder_takes_everything_along(catalog: Catalog) -> None:
    await put(catalog, "a/b/x", "a/y", "z")
    trashed = await catalog.trash("a", ANNA, NOW)
    assert (trashed.kind, trashed.size) == ("folder", len("a/b/x") + len("a/y"))
    assert await everything(catalog) == ["z"]


async def test_the_trash_is_told_newest_first(catalog: Catalog) -> None:
    await put(catalog, "a", "b", "c")
    first = await catalog.trash("a", ANNA, NOW)
    second = await catalog.trash("b", ANNA, NOW)
    third = await catalog.trash("c", ANNA, NOW - 1)
    assert await catalog.trashed() == [second, first, third]


async def test_nothing_and_the_root_can_not_be_trashed(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        await catalog.trash("nothing", ANNA, NOW)
    with pytest.raises(BadRequest):
        await catalog.trash("", ANNA, NOW)


async def test_the_name_is_free_while_it_is_in_the_trash(catalog: Catalog) -> None:
    await put(catalog, "x")
    await catalog.trash("x", ANNA, NOW)
    assert (await finish(catalog, small("x", b"new"))).path == "x"


async def test_untrashed_file_comes_back_with_its_versions_and_id(catalog: Catalog) -> None:
    await finish(catalog, small("a/b/x", b"1"))
    await finish(catalog, small("a/b/x", b"2", on_conflict=OnConflict.REPLACE))
    before, versions = await file_at(catalog, "a/b/x"), await catalog.versions("a/b/x")
    trashed = await catalog.trash("a/b/x", ANNA, NOW)
    assert await catalog.untrash(trashed.id, NOW + 1) == before
    assert await catalog.versions("a/b/x") == versions
    assert await catalog.trashed() == []
    with pytest.raises(NotFound):
        await catalog.untrash(trashed.id, NOW + 2)


async def test_untrash_makes_the_folders_that_are_gone(catalog: Catalog) -> None:
    await put(catalog, "a/b/x")
    inner = await catalog.trash("a/b/x", ANNA, NOW)
    await catalog.trash("a", ANNA, NOW)
    assert (await catalog.untrash(inner.id, NOW)).path == "a/b/x"
    assert await everything(catalog) == ["a", "a/b", "a/b/x"]


async def test_untrash_where_the_name_is_taken_gets_a_number(catalog: Catalog) -> None:
    await put(catalog, "d/x.txt")
    trashed = await catalog.trash("d/x.txt", ANNA, NOW)
    await catalog.make_folder("d/x.txt", NOW)
    await put(catalog, "d/x_v2.txt")
    assert (await catalog.untrash(trashed.id, NOW)).path == "d/x_v3.txt"


async def test_untrashed_folder_brings_everything_back(catalog: Catalog) -> None:
    await put(catalog, "a/b/x", "a/y")
    trashed = await catalog.trash("a", ANNA, NOW)
    await put(catalog, "a/other")
    assert (await catalog.untrash(trashed.id, NOW)).path == "a_v2"
    assert await everything(catalog) == ["a", "a/other", "a_v2", "a_v2/b", "a_v2/b/x", "a_v2/y"]


async def test_untrash_below_a_file_conflicts_and_stays_in_the_trash(catalog: Catalog) -> None:
    await put(catalog, "a/x")
    trashed = await catalog.trash("a/x", ANNA, NOW)
    await catalog.trash("a", ANNA, NOW)
    await put(catalog, "a")
    with pytest.raises(Conflict):
        await catalog.untrash(trashed.id, NOW)
    assert trashed in await catalog.trashed()


async def test_purge_gives_up_bytes_that_nobody_refers_to(catalog: Catalog) -> None:
    await finish(catalog, blob("a/big", b"big one"))
    await finish(catalog, small("a/small", b"small"))
    await finish(catalog, small("a/shared", b"shared"))
    await finish(catalog, small("kept", b"shared"))
    await finish(catalog, blob("other big", b"other big"))
    trashed = await catalog.trash("a", ANNA, NOW)
    assert await catalog.purge([trashed.id], NOW + 1) == len(b"big one") + len(b"small")
    assert await catalog.garbage(10) == [digest_of(b"big one")]
    assert await catalog.trashed() == []
    with pytest.raises(NotFound):
        await catalog.content(digest_of(b"small"))
    assert (await catalog.content(digest_of(b"shared"))).data == b"shared"


async def test_purge_counts_what_two_deleted_things_shared_once(catalog: Catalog) -> None:
    await finish(catalog, blob("a", b"shared"))
    await finish(catalog, blob("b", b"shared"))
    ids = [(await catalog.trash(path, ANNA, NOW)).id for path in ("a", "b")]
    assert await catalog.purge(ids, NOW) == 6
    assert await catalog.garbage(10) == [digest_of(b"shared")]


async def test_what_lies_in_the_trash_still_refers_to_its_content(catalog: Catalog) -> None:
    await finish(catalog, blob("a", b"shared"))
    await finish(catalog, blob("b", b"shared"))
    ids = [(await catalog.trash(path, ANNA, NOW)).id for path in ("a", "b")]
    assert await catalog.purge(ids[:1], NOW) == 0
    assert await catalog.garbage(10) == []


async def test_purge_of_all_versions_of_a_file(catalog: Catalog) -> None:
    for data in (b"1", b"22", b"333"):
        await finish(catalog, blob("x", data, on_conflict=OnConflict.REPLACE))
    trashed = await catalog.trash("x", ANNA, NOW)
    assert await catalog.purge([trashed.id], NOW) == 6
    assert sorted(await catalog.garbage(10)) == sorted(digest_of(data) for data in (b"1", b"22", b"333"))


async def test_purge_of_what_is_not_there_does_nothing(catalog: Catalog) -> None:
    await put(catalog, "x")
    trashed = await catalog.trash("x", ANNA, NOW)
    assert await catalog.purge([trashed.id + 1], NOW) == 0
    assert await catalog.purge([], NOW) == 0
    assert await catalog.purge([trashed.id, trashed.id], NOW) == 1
    assert await catalog.purge([trashed.id], NOW) == 0


async def test_a_thing_can_be_trashed_in_what_is_trashed_later(catalog: Catalog) -> None:
    await put(catalog, "a/x", "a/y")
    inner = await catalog.trash("a/x", ANNA, NOW)
    outer = await catalog.trash("a", ANNA, NOW)
    await catalog.purge([outer.id], NOW)
    assert await catalog.trashed() == [inner]


async def test_usage_counts_every_version_once(catalog: Catalog) -> None:
    assert await catalog.usage() == Usage(files=0, current=0, versions=0, trash=0)
    for data in (b"1", b"22", b"333"):
        await finish(catalog, small("a/x", data, on_conflict=OnConflict.REPLACE))
    await finish(catalog, small("a/copy", b"333"))
    for data in (b"4444", b"55555"):
        await finish(catalog, blob("b/y", data, on_conflict=OnConflict.REPLACE))
    assert await catalog.usage() == Usage(files=3, current=3 + 3 + 5, versions=1 + 2 + 4, trash=0)
    await catalog.trash("b", ANNA, NOW)
    assert await catalog.usage() == Usage(files=2, current=6, versions=3, trash=9)


async def test_usage_by_owner_counts_every_version_of_everyone_and_the_trash(catalog: Catalog) -> None:
    assert await catalog.usage_by_owner() == {}
    for data, owner in ((b"1", ANNA), (b"22", BEN), (b"333", BEN)):
        await finish(catalog, small("a/x", data, owner_id=owner, on_conflict=OnConflict.REPLACE))
    await finish(catalog, blob("b/y", b"4444", owner_id=ANNA))
    await catalog.trash("b", BEN, NOW)
    assert await catalog.usage_by_owner() == {ANNA: 1 + 4, BEN: 2 + 3}
