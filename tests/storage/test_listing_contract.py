"""Pages of folders, of searches and of walks, as every catalog must give them."""

from itertools import chain
from typing import cast

import pytest

from fileshare.domain.model import File, OnConflict
from fileshare.errors import BadRequest, Conflict, NotFound
from fileshare.services.ports import Catalog, Listing
from fileshare.storage.cursors import encode
from fileshare.storage.memory import MemoryCatalog
from fileshare.storage.sqlite.catalog import SqliteCatalog
from tests.storage.builders import NAMES, NOW, finish, put, small


@pytest.fixture(params=["memory", "sqlite", "packed"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """A catalog of each kind; one that searches as it would among a million files."""
    if request.param == "memory":
        return MemoryCatalog(NAMES.__getitem__)
    if request.param == "packed":
        return cast(Catalog, request.getfixturevalue("packed"))
    return SqliteCatalog(request.getfixturevalue("database"))


async def pages(catalog: Catalog, path: str, limit: int, **what: object) -> list[list[str]]:
    """The names on each page until the last."""
    found: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await catalog.listing(Listing(path, limit, cursor, **what))  # type: ignore[arg-type]
        found.append([entry.path for entry in page.entries])
        cursor = page.next
        if cursor is None:
            return found


def joined(found: list[list[str]]) -> list[str]:
    return list(chain.from_iterable(found))


async def listed(catalog: Catalog, path: str = "", **what: object) -> list[str]:
    return joined(await pages(catalog, path, 1000, **what))


async def walked(catalog: Catalog, path: str, limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await catalog.walk(path, limit, cursor)
        found.append([entry.path for entry in page.entries])
        cursor = page.next
        if cursor is None:
            return found


@pytest.fixture
async def shelf(catalog: Catalog) -> Catalog:
    """Two folders and four files whose orders by name, size and time all differ."""
    for name, size, modified in (("d", 1, 40), ("b", 3, 30), ("a", 2, 20), ("c", 3, 10)):
        await finish(catalog, small(name, name.encode() * size, modified=modified))
    await catalog.make_folder("z-folder", 5)
    await catalog.make_folder("m-folder", 6)
    return catalog


@pytest.mark.parametrize(
    ("sort", "ascending"),
    [
        ("name", ["m-folder", "z-folder", "a", "b", "c", "d"]),
        ("size", ["m-folder", "z-folder", "d", "a", "b", "c"]),
        ("modified", ["z-folder", "m-folder", "c", "a", "b", "d"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
async def test_pages_in_every_order_join_to_the_whole(
    shelf: Catalog, sort: str, ascending: list[str], limit: int
) -> None:
    assert joined(await pages(shelf, "", limit, sort=sort)) == ascending
    folders, files = ascending[:2], ascending[2:]
    descending = [*reversed(folders), *reversed(files)]
    assert joined(await pages(shelf, "", limit, sort=sort, descending=True)) == descending


async def test_pages_are_full_and_only_the_last_says_it_is(shelf: Catalog) -> None:
    assert [len(page) for page in await pages(shelf, "", 4)] == [4, 2]
    assert [len(page) for page in await pages(shelf, "", 6)] == [6]
    assert [len(page) for page in await pages(shelf, "m-folder", 4)] == [0]


async def test_a_listing_is_of_one_folder_alone(catalog: Catalog) -> None:
    await put(catalog, "x", "a/y", "a/b/z")
    assert await listed(catalog) == ["a", "x"]
    assert await listed(catalog, "a") == ["a/b", "a/y"]
    with pytest.raises(NotFound):
        await listed(catalog, "nothing")
    with pytest.raises(Conflict):
        await listed(catalog, "x")


async def test_a_cursor_stays_good_while_entries_come_and_go(catalog: Catalog) -> None:
    await put(catalog, "b", "d", "f")
    first = await catalog.listing(Listing("", 2))
    await catalog.trash("d", 0, NOW)
    await put(catalog, "a", "e")
    second = await catalog.listing(Listing("", 2, first.next))
    assert [entry.path for entry in second.entries] == ["e", "f"]
    assert second.next is None


async def test_a_cursor_between_folders_and_files_goes_on_with_files(catalog: Catalog) -> None:
    await catalog.make_folder("z", NOW)
    await put(catalog, "a")
    assert await pages(catalog, "", 1) == [["z"], ["a"]]


async def test_new_versions_are_what_is_sorted_by(shelf: Catalog) -> None:
    await finish(shelf, small("a", b"x" * 100, on_conflict=OnConflict.REPLACE, modified=99))
    assert (await listed(shelf, sort="size"))[-1] == "a"
    assert (await listed(shelf, sort="modified"))[-1] == "a"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "x" * 20_000,
        "éé",
        encode([]),
        encode([1]),
        encode([1, 0, "a"]),
        encode([2, 0, "a", 1]),
        encode([1, "a", "a", 1]),
        encode([1, 0, 5, 1]),
        encode([1, 2**63, "a", 1]),
        encode([1, 0, "a", -(2**63)]),
        "WzEsIDAsICJcdWQ4MDAiLCAxXQ",  # [1, 0, "\ud800", 1]
        "W3RydWUsIDAsICJhIiwgMV0",  # [true, 0, "a", 1]
        "eyJhIjogMX0",  # {"a": 1}
        "W05hTiwgMCwgImEiLCAxXQ",  # [NaN, 0, "a", 1]
    ],
)
async def test_a_forged_cursor_is_refused(catalog: Catalog, cursor: str) -> None:
    await put(catalog, "a")
    with pytest.raises(BadRequest):
        await catalog.listing(Listing("", 10, cursor))


@pytest.mark.parametrize("cursor", ["", "!", encode([1]), "WyJcdWQ4MDAiXQ", "eyJhIjogMX0"])
async def test_a_forged_cursor_of_a_walk_is_refused(catalog: Catalog, cursor: str) -> None:
    await put(catalog, "a")
    with pytest.raises(BadRequest):
        await catalog.walk("", 10, cursor)


async def test_an_unknown_order_is_refused(catalog: Catalog) -> None:
    await put(catalog, "a")
    with pytest.raises(BadRequest):
        await catalog.listing(Listing("", 10, sort="owner"))


async def test_search_finds_pieces_of_names_below_in_any_case(catalog: Catalog) -> None:
    await put(catalog, "Report.txt", "a/REPORTS/x", "a/b/my report", "a/b/other", "ÉCOLE", "straße")
    assert await listed(catalog, query="report") == ["a/REPORTS", "Report.txt", "a/b/my report"]
    assert await listed(catalog, "a", query="RePort") == ["a/REPORTS", "a/b/my report"]
    assert await listed(catalog, "a/b", query="x") == []
    assert await listed(catalog, query="école") == ["ÉCOLE"]
    assert await listed(catalog, query="STRASSE") == ["straße"]


@pytest.mark.parametrize("sort", ["name", "size", "modified"])
@pytest.mark.parametrize("descending", [False, True])
async def test_search_pages_join_though_names_are_the_same(
    catalog: Catalog, sort: str, descending: bool
) -> None:
    await put(catalog, *(f"{folder}/same" for folder in "abcdefg"))
    await catalog.make_folder("x/same", NOW)
    whole = await listed(catalog, query="same", sort=sort, descending=descending)
    assert whole[0] == "x/same"
    assert sorted(whole) == [*(f"{folder}/same" for folder in "abcdefg"), "x/same"]
    for limit in (1, 3):
        found = await pages(catalog, "", limit, query="same", sort=sort, descending=descending)
        assert joined(found) == whole


async def test_search_does_not_look_into_the_trash(catalog: Catalog) -> None:
    await put(catalog, "a/needle", "b/needle")
    await catalog.trash("a", 0, NOW)
    assert await listed(catalog, query="needle") == ["b/needle"]


ODD_NAMES = [
    "100% sure", "100 sure", "a_b", "axb", "star*", "what?", '"quoted"', "it's", "back[x]slash", "semi;colon",
    "ÄRGER.txt", "ärger.md", "Straße", "STRASSE", "İstanbul", "ΣΊΣΥΦΟΣ", "ﬁne", "fine", "מסמך חשוב.pdf",
    "ملف", "報告書", "報告", "告", "👩‍👩‍👧 family", "👩 alone", "🎉",
    "e\N{COMBINING ACUTE ACCENT}\u0323", "tab - x",
]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "%", "_", "*", "?", '"', "'", "[x]", ";", "ä", "Ä", "ss", "ß", "i", "I", "σ", "ς", "fi", "ﬁ", "ך",
        "סמ", "ملف", "報", "報告", "告", "👩", "👩\N{ZERO WIDTH JOINER}", "🎉", "\N{COMBINING ACUTE ACCENT}",
        " ", "-", "x", "sure", "0%", "e", "nothing", "\n", "\x02", "\x03", "/", "x/", "a_b\x02", "\udcff",
    ],
)  # fmt: skip
async def test_search_takes_every_character_as_itself(catalog: Catalog, query: str) -> None:
    await put(catalog, *ODD_NAMES, "x/inner %_*")
    everything = [*ODD_NAMES, "inner %_*", "x"]
    expected = [name for name in everything if query.casefold() in name.casefold()]
    found = [path.rpartition("/")[2] for path in await listed(catalog, query=query)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["name", "size", "modified"])
@pytest.mark.parametrize("query", ["a", "A1", "b", "z"])
async def test_search_is_in_the_order_of_a_listing(
    catalog: Catalog, sort: str, descending: bool, query: str
) -> None:
    for number in range(30):
        name = f"{'aAbB'[number % 4]}{number * 7 % 30}"
        await finish(
            catalog, small(f"d{number % 3}/{name}", b"x" * (number * 11 % 5), modified=number * 13 % 9)
        )
    found: list[tuple[int, str, int]] = []
    for folder in ("d0", "d1", "d2"):
        page = await catalog.listing(Listing(folder, 100))
        for file in page.entries:
            assert isinstance(file, File)
            value = {"name": 0, "size": file.version.size, "modified": file.version.modified}[sort]
            found.append((value, file.path.rpartition("/")[2], file.id))
    expected = sorted((key for key in found if query.casefold() in key[1].casefold()), reverse=descending)
    for limit in (1, 7, 100):
        shown = joined(await pages(catalog, "", limit, query=query, sort=sort, descending=descending))
        assert [path.rpartition("/")[2] for path in shown] == [name for _, name, _ in expected]


async def test_search_knows_at_once_what_was_moved_renamed_or_replaced(catalog: Catalog) -> None:
    await put(catalog, *(f"d/old {number}" for number in range(10)))
    assert len(await listed(catalog, query="old")) == 10
    await catalog.move("d/old 3", "d/new 3", NOW)
    await catalog.move("d/old 4", "e/old 4", NOW)
    await catalog.move("d", "f", NOW)
    await finish(catalog, small("f/old 5", b"longer than any other", on_conflict=OnConflict.REPLACE))
    assert await listed(catalog, query="NEW") == ["f/new 3"]
    assert await listed(catalog, "e", query="old") == ["e/old 4"]
    assert "f/old 3" not in await listed(catalog, query="old")
    assert (await listed(catalog, "f", query="old", sort="size"))[-1] == "f/old 5"


@pytest.mark.parametrize("sort", ["name", "size"])
async def test_search_forgets_at_once_what_was_trashed(catalog: Catalog, sort: str) -> None:
    await put(catalog, *(f"d/hit {number}" for number in range(10)))
    assert len(await listed(catalog, query="hit", sort=sort)) == 10
    await catalog.trash("d/hit 4", 0, NOW)
    assert "d/hit 4" not in await listed(catalog, query="hit", sort=sort)
    assert await listed(catalog, query="hit 4", sort=sort) == []


async def test_search_finds_what_came_back_from_the_trash(catalog: Catalog) -> None:
    await put(catalog, *(f"d/needle {number}" for number in range(6)))
    single = await catalog.trash("d/needle 2", 0, NOW)
    folder = await catalog.trash("d", 0, NOW)
    assert await listed(catalog, query="needle") == []
    await put(catalog, "d/needle 2")
    await catalog.untrash(single.id, NOW)
    assert sorted(await listed(catalog, query="needle")) == ["d/needle 2", "d/needle 2_v2"]
    await catalog.purge([folder.id], NOW)
    assert sorted(await listed(catalog, query="needle")) == ["d/needle 2", "d/needle 2_v2"]


async def test_a_cursor_of_a_search_stays_good_while_entries_come_and_go(catalog: Catalog) -> None:
    await put(catalog, *(f"d/{letter} hit" for letter in "bdfhjl"))
    first = await catalog.listing(Listing("", 2, query="hit"))
    await catalog.trash("d/d hit", 0, NOW)
    await catalog.move("d/h hit", "d/a hit", NOW)
    await catalog.move("d/b hit", "d/z hit", NOW)
    await put(catalog, "d/c hit", "d/e hit", "e/f hit")
    rest = await catalog.listing(Listing("", 100, first.next, query="hit"))
    expected = ["d/e hit", "d/f hit", "e/f hit", "d/j hit", "d/l hit", "d/z hit"]
    assert [entry.path for entry in rest.entries] == expected


TREE = ["a", "a/b", "a/b/c", "a/b/c/1", "a/b/x", "a/y", "a!", "a-b", "b", "b/z", "c"]


@pytest.fixture
async def wood(catalog: Catalog) -> Catalog:
    await put(catalog, "a/b/c/1", "a/b/x", "a/y", "a!", "a-b", "b/z")
    await catalog.make_folder("c", NOW)
    return catalog


@pytest.mark.parametrize("limit", range(1, 13))
async def test_walk_is_depth_first_and_its_pages_join(wood: Catalog, limit: int) -> None:
    found = await walked(wood, "", limit)
    assert joined(found) == TREE
    assert all(len(page) == limit for page in found[:-1])


async def test_walk_of_a_folder_has_whole_paths(wood: Catalog) -> None:
    for limit in range(1, 6):
        assert joined(await walked(wood, "a/b", limit)) == ["a/b/c", "a/b/c/1", "a/b/x"]
    assert await walked(wood, "c", 1) == [[]]
    with pytest.raises(NotFound):
        await wood.walk("nothing", 1)
    with pytest.raises(Conflict):
        await wood.walk("a/y", 1)


@pytest.mark.parametrize("stop", range(1, len(TREE)))
async def test_walk_goes_on_after_the_way_to_its_cursor_is_gone(wood: Catalog, stop: int) -> None:
    first = await wood.walk("", stop)
    await wood.trash("a", 0, NOW)
    rest = await wood.walk("", 100, first.next)
    shown = TREE[stop - 1].split("/")
    assert [entry.path for entry in rest.entries] == [
        path for path in TREE if path.split("/") > shown and path.split("/")[0] != "a"
    ]
