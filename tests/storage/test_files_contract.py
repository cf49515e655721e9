"""Files, folders and versions, as every catalog must keep them."""

import pytest

from fileshare.domain.model import Folder, OnConflict
from fileshare.errors import BadName, BadRequest, Conflict, NotFound
from fileshare.services.ports import Catalog, Listing
from tests.storage.builders import BEN, NOW, blob, digest_of, file_at, finish, put, small


async def everything(catalog: Catalog) -> list[str]:
    return [entry.path for entry in (await catalog.walk("", 1000)).entries]


async def folder_at(catalog: Catalog, path: str) -> Folder:
    found = await catalog.entry(path)
    assert isinstance(found, Folder)
    return found


async def test_the_root_is_a_folder_without_a_name(catalog: Catalog) -> None:
    assert (await folder_at(catalog, "")).path == ""
    assert (await catalog.make_folder("", NOW)).path == ""


async def test_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    await put(catalog, "a/file")
    for path in ("b", "a/other", "a/file/below", "a/b/c"):
        with pytest.raises(NotFound):
            await catalog.entry(path)


async def test_names_are_compared_exactly(catalog: Catalog) -> None:
    await put(catalog, "A", "a", "á")
    assert await everything(catalog) == ["A", "a", "á"]


async def test_names_that_mean_something_to_sql_are_only_names(catalog: Catalog) -> None:
    strange = ["%", "_", "'; DROP TABLE entries; --", '"', "?1", "$x", "*"]
    await put(catalog, *strange)
    assert await everything(catalog) == sorted(strange)
    page = await catalog.listing(Listing("", 10, query="%"))
    assert [entry.path for entry in page.entries] == ["%"]


async def test_folder_is_made_with_its_parents_and_only_once(catalog: Catalog) -> None:
    made = await catalog.make_folder("a/b/c", NOW)
    assert (made.path, made.created, made.modified) == ("a/b/c", NOW, NOW)
    assert await catalog.make_folder("a/b/c", NOW + 1) == made
    assert await everything(catalog) == ["a", "a/b", "a/b/c"]
    assert (await folder_at(catalog, "a")).modified == NOW


@pytest.mark.parametrize("path", ["file", "file/below", "file/far/below"])
async def test_folder_is_not_made_where_a_file_stands_in_the_way(catalog: Catalog, path: str) -> None:
    await put(catalog, "file")
    with pytest.raises(Conflict):
        await catalog.make_folder(path, NOW)
    assert await everything(catalog) == ["file"]


async def test_moved_file_keeps_its_versions_and_its_id(catalog: Catalog) -> None:
    await finish(catalog, small("a/x", b"1"))
    await finish(catalog, small("a/x", b"2", on_conflict=OnConflict.REPLACE))
    before, versions = await file_at(catalog, "a/x"), await catalog.versions("a/x")
    moved = await catalog.move("a/x", "b/c/y", NOW + 9)
    assert moved == await file_at(catalog, "b/c/y")
    assert (moved.id, await catalog.versions("b/c/y")) == (before.id, versions)
    with pytest.raises(NotFound):
        await catalog.entry("a/x")
    assert (await folder_at(catalog, "a")).modified == NOW + 9
    assert (await folder_at(catalog, "b/c")).modified == NOW + 9


async def test_moved_folder_takes_everything_along(catalog: Catalog) -> None:
    await put(catalog, "a/b/x", "a/y", "other")
    moved = await catalog.move("a", "new/place", NOW)
    assert isinstance(moved, Folder)
    assert await everything(catalog) == [
        "new",
        "new/place",
        "new/place/b",
        "new/place/b/x",
        "new/place/y",
        "other",
    ]


async def test_renamed_entry_is_found_by_its_new_name(catalog: Catalog) -> None:
    await put(catalog, "before")
    await catalog.move("before", "AFTER", NOW)
    page = await catalog.listing(Listing("", 10, query="after"))
    assert [entry.path for entry in page.entries] == ["AFTER"]
    assert (await catalog.listing(Listing("", 10, query="before"))).entries == []


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("a", "taken"),
        ("a", "a"),
        ("a", "a/inside"),
        ("a", "a/far/inside"),
        ("a", "file/below"),
        ("file", "a"),
    ],
)
async def test_move_to_where_something_is_conflicts_and_changes_nothing(
    catalog: Catalog, path: str, to: str
) -> None:
    await put(catalog, "a/x", "file", "taken/y")
    before = await everything(catalog)
    with pytest.raises(Conflict):
        await catalog.move(path, to, NOW + 1)
    assert await everything(catalog) == before


async def test_a_name_that_begins_alike_is_not_inside(catalog: Catalog) -> None:
    await put(catalog, "a/x")
    await catalog.move("a", "ab", NOW)
    assert await everything(catalog) == ["ab", "ab/x"]


async def test_move_of_nothing_is_not_found_and_of_the_root_refused(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        await catalog.move("nothing", "x", NOW)
    with pytest.raises(BadRequest):
        await catalog.move("", "x", NOW)


async def test_move_never_makes_a_path_that_nobody_could_name(catalog: Catalog) -> None:
    long = "/".join(["x" * 255] * 8)
    await put(catalog, f"a/{long}", "b/y")
    await catalog.make_folder(long, NOW)
    with pytest.raises(BadName):
        await catalog.move("a", f"{long}/a", NOW)
    await catalog.move("b", f"{long}/b", NOW)
    assert (await file_at(catalog, f"{long}/b/y")).version.number == 1


async def test_versions_are_of_files_alone(catalog: Catalog) -> None:
    await put(catalog, "a/x")
    with pytest.raises(Conflict):
        await catalog.versions("a")
    with pytest.raises(NotFound):
        await catalog.versions("b")


async def test_restored_version_is_the_next_one_and_nothing_is_lost(catalog: Catalog) -> None:
    await finish(catalog, small("x", b"old", modified=3))
    await finish(catalog, small("x", b"newer", on_conflict=OnConflict.REPLACE))
    restored = await catalog.restore_version("x", 1, BEN, NOW + 5)
    assert restored == await file_at(catalog, "x")
    newest, *older = await catalog.versions("x")
    assert (newest.number, newest.digest, newest.size, newest.owner) == (3, digest_of(b"old"), 3, "ben")
    assert (newest.modified, newest.created) == (3, NOW + 5)
    assert [version.number for version in older] == [2, 1]


async def test_restore_of_an_unknown_version_is_not_found(catalog: Catalog) -> None:
    await put(catalog, "x", "d/y")
    for path, number in (("x", 2), ("x", 0), ("nothing", 1)):
        with pytest.raises(NotFound):
            await catalog.restore_version(path, number, BEN, NOW)
    with pytest.raises(Conflict):
        await catalog.restore_version("d", 1, BEN, NOW)


async def test_pruning_drops_the_oldest_and_their_contents(catalog: Catalog) -> None:
    for number in range(5):
        make = blob if number == 1 else small
        await finish(catalog, make("x", bytes([number]), on_conflict=OnConflict.REPLACE))
    assert await catalog.prune_versions("x", 2) == 3
    assert [version.number for version in await catalog.versions("x")] == [5, 4]
    assert await catalog.garbage(10) == [digest_of(b"\x01")]
    with pytest.raises(NotFound):
        await catalog.content(digest_of(b"\x00"))
    assert await catalog.prune_versions("x", 2) == 0
    assert (await finish(catalog, small("x", b"n", on_conflict=OnConflict.REPLACE))).version == 6


async def test_pruning_to_none_keeps_all(catalog: Catalog) -> None:
    await put(catalog, "x", "d/y")
    assert await catalog.prune_versions("x", 0) == 0
    with pytest.raises(NotFound):
        await catalog.prune_versions("nothing", 1)
    with pytest.raises(Conflict):
        await catalog.prune_versions("d", 1)


async def test_files_with_more_versions_than_that_are_found(catalog: Catalog) -> None:
    for path, count in (("a/x", 3), ("b", 4), ("gone", 5), ("few", 2)):
        for number in range(count):
            await finish(catalog, small(path, bytes([number]), on_conflict=OnConflict.REPLACE))
    await catalog.trash("gone", BEN, NOW)
    assert sorted(await catalog.paths_over(2, 10)) == ["a/x", "b"]
    assert len(await catalog.paths_over(2, 1)) == 1
    assert await catalog.paths_over(4, 10) == []


async def test_files_are_counted_below_a_folder(catalog: Catalog) -> None:
    await put(catalog, "a/x", "a/b/y", "c/z", "w")
    await catalog.make_folder("a/empty", NOW)
    assert await catalog.count_files() == 4
    assert await catalog.count_files("a") == 2
    assert await catalog.count_files("a/empty") == 0
    with pytest.raises(NotFound):
        await catalog.count_files("nothing")
    with pytest.raises(Conflict):
        await catalog.count_files("w")
