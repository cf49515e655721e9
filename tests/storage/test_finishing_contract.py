"""How finished uploads become files, as every catalog must do it."""

import pytest

from fileshare.domain.model import Folder, OnConflict, Version
from fileshare.errors import BadName, Conflict, Fenced, FileshareError, NotFound
from fileshare.services.ports import Catalog, Listing
from tests.storage.builders import (
    ANNA,
    BEN,
    NOW,
    an_upload,
    blob,
    digest_of,
    file_at,
    finish,
    put,
    small,
)


async def names(catalog: Catalog, folder: str = "") -> list[str]:
    page = await catalog.listing(Listing(folder, limit=1000))
    return [entry.path for entry in page.entries]


def codes(outcomes: object) -> list[str]:
    assert isinstance(outcomes, list)
    return [outcome.code if isinstance(outcome, FileshareError) else outcome.path for outcome in outcomes]


async def test_finished_upload_is_a_file_with_its_first_version(catalog: Catalog) -> None:
    receipt = await finish(catalog, small("a/b/c.txt", b"hello"))
    assert (receipt.path, receipt.requested, receipt.version) == ("a/b/c.txt", "a/b/c.txt", 1)
    assert (receipt.size, receipt.digest, receipt.created) == (5, digest_of(b"hello"), NOW)
    file = await file_at(catalog, "a/b/c.txt")
    assert file.version == Version(1, digest_of(b"hello"), 5, NOW - 5000, NOW, "anna")
    assert (await catalog.content(digest_of(b"hello"))).data == b"hello"


async def test_missing_folders_are_made_with_it(catalog: Catalog) -> None:
    await finish(catalog, small("a/b/c.txt"))
    made = await catalog.entry("a/b")
    assert isinstance(made, Folder)
    assert (made.created, made.modified) == (NOW, NOW)


async def test_finish_drops_the_uploads_row(catalog: Catalog) -> None:
    upload = an_upload(epoch=3)
    await catalog.add_upload(upload)
    await finish(catalog, small("x", upload_id=upload.id, epoch=3))
    with pytest.raises(NotFound):
        await catalog.upload(upload.id)


async def test_taken_name_gets_the_next_number(catalog: Catalog) -> None:
    paths = [(await finish(catalog, small("d/report.txt", bytes([n])))).path for n in range(4)]
    assert paths == ["d/report.txt", "d/report_v2.txt", "d/report_v3.txt", "d/report_v4.txt"]
    assert (await file_at(catalog, "d/report_v3.txt")).version.digest == digest_of(b"\x02")


async def test_two_uploads_of_one_name_in_one_batch_are_both_kept_whole(catalog: Catalog) -> None:
    outcomes = await catalog.finish([small("x.txt", b"first"), small("x.txt", b"second")], NOW)
    assert codes(outcomes) == ["x.txt", "x_v2.txt"]
    assert (await file_at(catalog, "x.txt")).version.digest == digest_of(b"first")
    assert (await file_at(catalog, "x_v2.txt")).version.digest == digest_of(b"second")


@pytest.mark.parametrize("taken", [0, 50, 99])
async def test_a_full_batch_with_one_name_that_is_taken(catalog: Catalog, taken: int) -> None:
    await finish(catalog, small(f"d/{taken:02}", b"before"))
    batch = [small(f"d/{number:02}", b"%d" % number, client_id=f"{number:016}") for number in range(100)]
    outcomes = await catalog.finish(batch, NOW)
    wanted = [f"d/{number:02}_v2" if number == taken else f"d/{number:02}" for number in range(100)]
    assert codes(outcomes) == wanted
    for number, path in enumerate(wanted):
        version = (await file_at(catalog, path)).version
        assert (await catalog.content(version.digest)).data == b"%d" % number
    assert codes(await catalog.finish(batch, NOW)) == wanted
    assert await catalog.count_files() == 101


async def test_a_full_batch_of_equal_contents_and_known_ones(catalog: Catalog) -> None:
    await finish(catalog, small("known", b"7"))
    batch = [
        small(f"e/{number:02}", b"%d" % (number % 10), client_id=f"{number:016}") for number in range(70)
    ]
    outcomes = await catalog.finish(batch, NOW)
    assert codes(outcomes) == [f"e/{number:02}" for number in range(70)]
    for number in range(70):
        version = (await file_at(catalog, f"e/{number:02}")).version
        assert (await catalog.content(version.digest)).data == b"%d" % (number % 10)
    assert await catalog.count_contents() == 10


async def test_a_full_batch_below_a_file_is_refused_item_by_item(catalog: Catalog) -> None:
    await finish(catalog, small("f", b"file"))
    batch = [small(f"f/{number:02}", client_id=f"{number:016}") for number in range(70)]
    assert set(codes(await catalog.finish([*batch, small("g")], NOW))) == {"conflict", "g"}
    assert await catalog.count_files() == 2


async def test_a_number_whose_name_is_taken_otherwise_is_passed_over(catalog: Catalog) -> None:
    await put(catalog, "x.txt", "x_v3.txt")
    await catalog.make_folder("x_v2.txt", NOW)
    assert (await finish(catalog, small("x.txt", b"new"))).path not in ("x.txt", "x_v2.txt", "x_v3.txt")
    assert len(await names(catalog)) == 4


async def test_a_hundred_contents_of_one_name_all_get_names(catalog: Catalog) -> None:
    outcomes = await catalog.finish([small("x", bytes([n])) for n in range(100)], NOW)
    assert codes(outcomes) == ["x", *(f"x_v{n}" for n in range(2, 101))]


async def test_replace_makes_the_next_version_and_keeps_the_old(catalog: Catalog) -> None:
    await finish(catalog, small("x", b"one"))
    first = await file_at(catalog, "x")
    item = small("x", b"three", on_conflict=OnConflict.REPLACE, owner_id=BEN, modified=7)
    receipt = await finish(catalog, item, NOW + 1)
    assert (receipt.path, receipt.version) == ("x", 2)
    second = await file_at(catalog, "x")
    assert second.id == first.id
    assert second.version == Version(2, digest_of(b"three"), 5, 7, NOW + 1, "ben")
    assert await catalog.versions("x") == [second.version, first.version]


async def test_replace_of_nothing_is_a_new_file(catalog: Catalog) -> None:
    receipt = await finish(catalog, small("x", on_conflict=OnConflict.REPLACE))
    assert (receipt.path, receipt.version) == ("x", 1)


async def test_finishing_again_gives_the_first_answer_and_no_second_file(catalog: Catalog) -> None:
    item = small("x", b"data")
    first = await finish(catalog, item)
    assert await finish(catalog, item, NOW + 1) == first
    again = await catalog.finish([item, item], NOW + 2)
    assert list(again) == [first, first]
    assert await names(catalog) == ["x"]


async def test_the_same_client_id_gives_the_first_answer_under_any_server_id(catalog: Catalog) -> None:
    first = await finish(catalog, small("x", b"data", client_id="c" * 16))
    again = small("x", b"data", client_id="c" * 16)
    assert await finish(catalog, again, NOW + 1) == first
    theirs = await finish(catalog, small("x", b"data", client_id="c" * 16, owner_id=BEN))
    assert theirs.path == "x_v2"


async def test_one_client_id_twice_in_a_batch_is_one_file(catalog: Catalog) -> None:
    items = [small("x", b"data", client_id="c" * 16), small("x", b"data", client_id="c" * 16)]
    outcomes = await catalog.finish(items, NOW)
    assert codes(outcomes) == ["x", "x"]
    assert await names(catalog) == ["x"]


async def test_an_older_epoch_is_fenced_and_leaves_nothing(catalog: Catalog) -> None:
    upload = an_upload(epoch=2)
    await catalog.add_upload(upload)
    outcomes = await catalog.finish([small("x", upload_id=upload.id, epoch=1)], NOW)
    assert [type(outcome) for outcome in outcomes] == [Fenced]
    assert await names(catalog) == []
    assert await catalog.upload(upload.id) == upload


async def test_an_upload_that_was_given_up_meanwhile_is_not_found(catalog: Catalog) -> None:
    outcomes = await catalog.finish([small("x", epoch=1)], NOW)
    assert [type(outcome) for outcome in outcomes] == [NotFound]
    assert await names(catalog) == []


async def test_what_can_not_be_leaves_its_neighbours_alone(catalog: Catalog) -> None:
    await catalog.make_folder("folder", NOW)
    await put(catalog, "file")
    outcomes = await catalog.finish(
        [small("ok1"), small("folder"), small("file/below"), small("file/far/below"), small("ok2")], NOW
    )
    assert codes(outcomes) == ["ok1", "conflict", "conflict", "conflict", "ok2"]
    assert await names(catalog) == ["folder", "file", "ok1", "ok2"]


async def test_a_folder_is_not_replaced(catalog: Catalog) -> None:
    await catalog.make_folder("folder", NOW)
    with pytest.raises(Conflict):
        await finish(catalog, small("folder", on_conflict=OnConflict.REPLACE))


async def test_a_number_that_makes_the_path_too_long_is_a_bad_name(catalog: Catalog) -> None:
    deep = "/".join(["x" * 255] * 15 + ["y" * 253, "z"])
    assert len(deep) == 4095
    assert (await finish(catalog, small(deep))).path == deep
    with pytest.raises(BadName):
        await finish(catalog, small(deep, b"other"))


async def test_long_names_are_shortened_for_their_number(catalog: Catalog) -> None:
    name = "é" * 125 + ".txt"
    await put(catalog, name)
    receipt = await finish(catalog, small(name, b"other"))
    assert receipt.path.endswith("_v2.txt")
    assert len(receipt.path.encode()) <= 255


async def test_content_that_is_there_is_used_again(catalog: Catalog) -> None:
    await finish(catalog, small("a", b"same"))
    await finish(catalog, small("b", b"same"))
    await finish(catalog, blob("c", b"big one"))
    await finish(catalog, blob("d", b"big one"))
    assert await catalog.count_contents() == 2
    assert (await catalog.content(digest_of(b"big one"))).data is None
    assert await catalog.garbage(10) == []


async def test_a_blob_beside_small_bytes_of_the_same_content_is_garbage(catalog: Catalog) -> None:
    """The threshold may have changed in between: the first form stays, the other must not leak."""
    await finish(catalog, small("a", b"same"))
    await finish(catalog, blob("b", b"same"))
    assert (await catalog.content(digest_of(b"same"))).data == b"same"
    assert await catalog.garbage(10) == [digest_of(b"same")]
    assert await catalog.release_contents([digest_of(b"same")]) == [digest_of(b"same")]
    assert (await catalog.content(digest_of(b"same"))).data == b"same"


async def test_small_bytes_of_a_content_on_disk_are_not_kept_twice(catalog: Catalog) -> None:
    await finish(catalog, blob("a", b"same"))
    await finish(catalog, small("b", b"same"))
    assert (await catalog.content(digest_of(b"same"))).data is None


async def test_an_empty_file_is_a_file(catalog: Catalog) -> None:
    await finish(catalog, small("empty", b""))
    assert (await file_at(catalog, "empty")).version.size == 0
    assert (await catalog.content(digest_of(b""))).data == b""


async def test_a_new_file_changes_its_folder_and_a_new_version_does_not(catalog: Catalog) -> None:
    await catalog.make_folder("d", NOW)
    await finish(catalog, small("d/x"), NOW + 1)
    await finish(catalog, small("d/x", b"2", on_conflict=OnConflict.REPLACE), NOW + 2)
    folder = await catalog.entry("d")
    assert isinstance(folder, Folder)
    assert folder.modified == NOW + 1


async def test_nothing_to_finish_is_fine(catalog: Catalog) -> None:
    assert list(await catalog.finish([], NOW)) == []


async def test_the_receipt_names_the_path_that_was_asked_for(catalog: Catalog) -> None:
    await put(catalog, "x")
    receipt = await finish(catalog, small("x", b"other"))
    assert (receipt.requested, receipt.path, receipt.owner_id) == ("x", "x_v2", ANNA)
