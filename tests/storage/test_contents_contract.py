"""Contents and garbage, as every catalog must keep them."""

import pytest
from msgspec.structs import replace

from fileshare.domain.model import OnConflict, UploadState
from fileshare.errors import Conflict, NotFound
from fileshare.services.ports import Catalog, Content
from tests.storage.builders import ANNA, NOW, an_upload, blob, digest_of, finish, put, small

BIG, TINY = digest_of(b"big"), digest_of(b"tiny")


async def purge(catalog: Catalog, path: str) -> int:
    return await catalog.purge([(await catalog.trash(path, ANNA, NOW)).id], NOW)


async def test_content_is_small_bytes_or_the_name_of_a_blob(catalog: Catalog) -> None:
    await finish(catalog, small("s", b"tiny"))
    await finish(catalog, blob("b", b"big"))
    assert await catalog.content(TINY) == Content(TINY, 4, b"tiny")
    assert await catalog.content(BIG) == Content(BIG, 3, None)
    with pytest.raises(NotFound):
        await catalog.content(digest_of(b"other"))


async def test_content_that_nothing_refers_to_is_not_found(catalog: Catalog) -> None:
    await finish(catalog, blob("b", b"big"))
    await purge(catalog, "b")
    for ask in (catalog.content, catalog.readable_content):
        with pytest.raises(NotFound):
            await ask(BIG)


async def test_content_in_the_trash_is_there_but_not_readable(catalog: Catalog) -> None:
    await finish(catalog, blob("d/b", b"big"))
    trashed = await catalog.trash("d", ANNA, NOW)
    assert (await catalog.content(BIG)).size == 3
    with pytest.raises(NotFound):
        await catalog.readable_content(BIG)
    await catalog.untrash(trashed.id, NOW)
    assert (await catalog.readable_content(BIG)).size == 3


async def test_content_of_an_older_version_is_readable(catalog: Catalog) -> None:
    await finish(catalog, small("x", b"tiny"))
    await finish(catalog, small("x", b"2", on_conflict=OnConflict.REPLACE))
    assert (await catalog.readable_content(TINY)).data == b"tiny"


async def test_contents_come_in_order_of_their_digest(catalog: Catalog) -> None:
    await put(catalog, *"abcdefg")
    await finish(catalog, blob("big", b"big"))
    digests = sorted([BIG, *(digest_of(name.encode()) for name in "abcdefg")])
    found: list[str] = []
    while page := await catalog.contents(found[-1] if found else "", 3):
        found += [content.digest for content in page]
    assert found == digests
    assert await catalog.count_contents() == 8


async def test_paths_of_a_content_name_versions_and_the_trash(catalog: Catalog) -> None:
    await finish(catalog, small("now", b"tiny"))
    await finish(catalog, small("older", b"tiny"))
    await finish(catalog, small("older", b"2", on_conflict=OnConflict.REPLACE))
    await finish(catalog, small("gone/50%/x", b"tiny"))
    await finish(catalog, small("file", b"tiny"))
    await finish(catalog, small("file", b"2", on_conflict=OnConflict.REPLACE))
    await catalog.trash("gone", ANNA, NOW)
    await catalog.trash("file", ANNA, NOW)
    assert await catalog.paths_of(TINY) == [
        "file?version=1 (in the trash)",
        "gone/50%/x (in the trash)",
        "now",
        "older?version=1",
    ]
    assert await catalog.paths_of(BIG) == []


async def test_garbage_comes_oldest_first_and_is_noted_once(catalog: Catalog) -> None:
    digests = [digest_of(bytes([n])) for n in range(3)]
    await catalog.note_garbage([digests[0]], NOW + 2)
    await catalog.note_garbage([digests[1]], NOW + 1)
    await catalog.note_garbage([digests[2], digests[1]], NOW + 3)
    assert await catalog.garbage(10) == [digests[1], digests[0], digests[2]]
    assert await catalog.garbage(1) == [digests[1]]
    await catalog.forget_garbage([digests[1], digests[2]])
    assert await catalog.garbage(10) == [digests[0]]


async def test_release_drops_a_row_that_nothing_refers_to(catalog: Catalog) -> None:
    await finish(catalog, blob("b", b"big"))
    await purge(catalog, "b")
    assert await catalog.release_contents([BIG]) == [BIG]
    assert await catalog.count_contents() == 0
    assert await catalog.garbage(10) == [BIG]
    await catalog.forget_garbage([BIG])
    assert await catalog.release_contents([BIG]) == [BIG]


async def test_release_leaves_what_a_file_refers_to_again_and_forgets_it(catalog: Catalog) -> None:
    await finish(catalog, blob("b", b"big"))
    await purge(catalog, "b")
    await finish(catalog, blob("again", b"big"))
    assert await catalog.release_contents([BIG]) == []
    assert await catalog.garbage(10) == []
    assert (await catalog.content(BIG)).size == 3


async def test_release_leaves_what_the_trash_refers_to(catalog: Catalog) -> None:
    await finish(catalog, blob("b", b"big"))
    await catalog.trash("b", ANNA, NOW)
    await catalog.note_garbage([BIG], NOW)
    assert await catalog.release_contents([BIG]) == []


async def test_release_leaves_what_an_upload_is_publishing_and_keeps_it_noted(catalog: Catalog) -> None:
    upload = an_upload()
    await catalog.add_upload(upload)
    verifying = replace(upload, state=UploadState.VERIFYING, found_digest=BIG)
    await catalog.update_upload(verifying, expected_epoch=1)
    await catalog.note_garbage([BIG], NOW)
    assert await catalog.release_contents([BIG, TINY]) == [TINY]
    assert await catalog.garbage(10) == [BIG]
    await catalog.drop_upload(upload.id)
    assert await catalog.release_contents([BIG]) == [BIG]


async def test_blobs_that_no_row_names_are_orphans(catalog: Catalog) -> None:
    await finish(catalog, blob("b", b"big"))
    await finish(catalog, small("s", b"tiny"))
    await catalog.add_upload(an_upload(state=UploadState.VERIFYING, found_digest=digest_of(b"coming")))
    await catalog.add_upload(an_upload(digest=digest_of(b"promised")))
    asked = [BIG, TINY, digest_of(b"coming"), digest_of(b"promised"), digest_of(b"orphan")]
    assert await catalog.unknown_blobs(asked) == [TINY, digest_of(b"promised"), digest_of(b"orphan")]
    await purge(catalog, "b")
    assert await catalog.unknown_blobs([BIG]) == []


async def test_a_whole_catalog_finds_nothing_wrong_with_itself(catalog: Catalog) -> None:
    await put(catalog, "a/b/x", "y", "z")
    await finish(catalog, blob("y", b"2", on_conflict=OnConflict.REPLACE))
    await catalog.trash("z", ANNA, NOW)
    await catalog.move("a/b", "c", NOW)
    assert await catalog.inconsistencies() == []


async def test_version_comes_with_its_content(catalog: Catalog) -> None:
    await finish(catalog, blob("a/x", b"big"))
    await finish(catalog, small("a/x", b"tiny", on_conflict=OnConflict.REPLACE))
    older, newer = reversed(await catalog.versions("a/x"))
    assert await catalog.stored("a/x", None) == (newer, Content(TINY, 4, b"tiny"))
    assert await catalog.stored("a/x", 2) == (newer, Content(TINY, 4, b"tiny"))
    assert await catalog.stored("a/x", 1) == (older, Content(BIG, 3, None))


async def test_version_that_is_not_there_comes_with_nothing(catalog: Catalog) -> None:
    await put(catalog, "a/x")
    for path, number in (("a/y", None), ("b/x", 1), ("a/x", 2), ("a/x", 0), ("a/x", 10**17)):
        with pytest.raises(NotFound):
            await catalog.stored(path, number)
    with pytest.raises(Conflict):
        await catalog.stored("a", None)
