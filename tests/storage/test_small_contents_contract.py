"""What many small files hold, as every catalog must tell it by their paths."""

from fileshare.domain.model import OnConflict
from fileshare.errors import Conflict, FileshareError, NotFound, TooLarge
from fileshare.services.ports import Catalog, SmallContent
from tests.storage.builders import ANNA, NOW, blob, digest_of, finish, put, small


def told(outcomes: object) -> list[object]:
    assert isinstance(outcomes, list)
    return [one.data if isinstance(one, SmallContent) else type(one) for one in outcomes]


async def test_each_path_has_an_outcome_of_its_own_in_order(catalog: Catalog) -> None:
    await put(catalog, "a/x", "a/y", "b")
    await finish(catalog, blob("a/big", b"big"))
    paths = ["a/y", "none", "a", "a/big", "b", "a/x/under", "other/b", "a/x"]
    found = await catalog.small_contents(paths, 100)
    assert told(found) == [b"a/y", NotFound, Conflict, TooLarge, b"b", NotFound, NotFound, b"a/x"]


async def test_everything_is_told_of_the_current_version(catalog: Catalog) -> None:
    await finish(catalog, small("x", b"old"))
    await finish(catalog, small("x", b"new one", on_conflict=OnConflict.REPLACE, modified=NOW - 7))
    assert await catalog.small_contents(["x"], 100) == [
        SmallContent(2, digest_of(b"new one"), NOW - 7, b"new one")
    ]


async def test_an_answer_ends_before_the_file_that_is_too_much(catalog: Catalog) -> None:
    await put(catalog, "aaaa", "bbbb", "cccc")
    paths = ["aaaa", "none", "bbbb", "cccc"]
    assert told(await catalog.small_contents(paths, 8)) == [b"aaaa", NotFound, b"bbbb"]
    assert told(await catalog.small_contents(paths, 7)) == [b"aaaa", NotFound]


async def test_the_first_file_comes_however_large_it_is(catalog: Catalog) -> None:
    await put(catalog, "aaaa", "bbbb")
    assert told(await catalog.small_contents(["aaaa", "bbbb"], 1)) == [b"aaaa"]
    assert told(await catalog.small_contents([], 1)) == []


async def test_what_lies_in_the_trash_is_not_found(catalog: Catalog) -> None:
    await put(catalog, "a/x")
    await catalog.trash("a", ANNA, NOW)
    (outcome,) = await catalog.small_contents(["a/x"], 100)
    assert isinstance(outcome, FileshareError)
    assert isinstance(outcome, NotFound)


async def test_a_content_that_is_empty_is_one(catalog: Catalog) -> None:
    await finish(catalog, small("empty", b""))
    assert told(await catalog.small_contents(["empty"], 100)) == [b""]
