"""Packs of names: found, in order, and packed behind what comes."""

import sqlite3
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.domain.model import OnConflict
from fileshare.errors import NoSpace
from fileshare.services.ports import Listing
from fileshare.storage.sqlite import packing, packs, repacking, tree
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from fileshare.storage.sqlite.packing import Packer
from fileshare.storage.sqlite.packs import Named
from tests.storage.builders import NOW, finish, put, small

FIRST = 4097
letters = st.sampled_from("aAbBßéÉ報👩.")
some_names = st.lists(st.text(letters, min_size=1, max_size=4), max_size=12)


def packed(names: list[str]) -> tuple[bytes, list[Named]]:
    """A pack of these names under rising ids, and what is in it in order."""
    entries = sorted(Named(name, FIRST + number) for number, name in enumerate(names))
    return packs.pack(FIRST, ((at, name, tree.folded(name)) for name, at in entries)), entries


@given(some_names, st.text(letters, min_size=1, max_size=2), st.integers(0, 12), st.booleans())
def test_hits_are_those_that_match_in_order_from_any_place(
    names: list[str], query: str, place: int, descending: bool
) -> None:
    pack, entries = packed(names)
    query = query.casefold()
    matching = [entry for entry in entries if query in entry.name.casefold()]
    after = [None, *entries][place % (len(entries) + 1)]
    if after is not None:
        matching = [entry for entry in matching if (entry < after if descending else entry > after)]
    found = packs.hits(
        pack, FIRST, query.encode(), wanted=lambda number: number % 5 > 0, after=after, descending=descending
    )
    wanted = [entry for entry in matching if (entry.id - FIRST) % 5]
    assert list(found) == sorted(wanted, reverse=descending)


def test_a_full_pack_tells_every_id() -> None:
    pack, entries = packed([f"{number:05}x" for number in range(packs.LARGE)])

    def hits(query: bytes, *, descending: bool = False) -> list[Named]:
        return list(packs.hits(pack, FIRST, query, wanted=lambda _: True, descending=descending))

    assert hits(b"x") == entries
    assert hits(b"x", descending=True) == entries[::-1]
    assert hits(b"65535") == [Named("65535x", FIRST + 65535)]


@pytest.mark.parametrize("query", ["a\nb", "\x02", "\x03", "\ud800"])
def test_what_separates_names_is_in_none(query: str) -> None:
    assert packs.is_in_no_name(query)
    assert not packs.is_in_no_name("b́ 報 👩")


async def state(database: Database) -> tuple[int, int, list[tuple[int, int]]]:
    """Up to where entries are packed, how many changed since, and kind and first id of each pack."""

    def look(db: sqlite3.Connection) -> tuple[int, int, list[tuple[int, int]]]:
        (upto,) = db.execute("SELECT upto FROM packing").fetchone()
        (changed,) = db.execute("SELECT count(*) FROM unpacked").fetchone()
        return upto, changed, db.execute("SELECT kind, first FROM packs ORDER BY first, kind").fetchall()

    return await database.read(look)


@pytest.fixture
def eager(database: Database, monkeypatch: pytest.MonkeyPatch) -> SqliteCatalog:
    """With limits that a handful of files reach."""
    monkeypatch.setattr(packs, "SIZE", 4)
    monkeypatch.setattr(repacking, "STALE", 3)
    return SqliteCatalog(database)


@pytest.fixture
def tiny(eager: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> SqliteCatalog:
    """Packs nothing until it is told to."""
    monkeypatch.setattr(Packer, "begin", lambda _: None)
    return eager


async def test_only_full_packs_are_written(tiny: SqliteCatalog, database: Database) -> None:
    await put(tiny, "a", "b")
    assert not await database.read(packing.is_due)
    await put(tiny, "c")  # with the top folder, four
    assert await database.read(packing.is_due)
    await database.run(packing.pack_next)
    assert await state(database) == (4, 0, [(0, 1), (1, 1)])
    assert not await database.read(packing.is_due)


async def test_packs_are_written_anew_when_enough_has_changed(
    tiny: SqliteCatalog, database: Database
) -> None:
    await put(tiny, "a", "b", "c", "d", "e", "f", "g")
    await tiny.pack()
    assert (await state(database))[0] == 8
    await tiny.move("a", "x", NOW)
    await tiny.move("b", "d2/b", NOW)
    assert (await state(database))[1] == 2
    await tiny.move("x", "y", NOW)  # the same once more
    assert (await state(database))[1] == 2
    await tiny.trash("c", 0, NOW)
    assert (await state(database))[1] == 3
    await tiny.pack()
    assert (await state(database))[1] == 0


async def revalued(database: Database) -> list[int]:
    """Entries whose size or time has changed since they were packed."""
    return await database.read(lambda db: [row[0] for row in db.execute("SELECT entry_id FROM revalued")])


async def test_orders_are_written_anew_when_enough_has_another_size(
    tiny: SqliteCatalog, database: Database
) -> None:
    await put(tiny, "a", "b", "c", "d", "e", "f", "g")
    await tiny.pack()
    for count, name in enumerate("abc"):
        assert len(await revalued(database)) == count
        await finish(tiny, small(name, b"longer than before", on_conflict=OnConflict.REPLACE, modified=NOW))
        assert (await tiny.listing(Listing("", 1, query=name, sort="size"))).entries[0].path == name
    await tiny.pack()
    assert await revalued(database) == []
    assert await database.read(ranges) == {"size": (18, 18), "modified": (NOW, NOW)}


def ranges(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """The least and the greatest value of the first pack of files."""
    columns = "least_size, greatest_size, least_modified, greatest_modified"
    row = db.execute(f"SELECT {columns} FROM packs WHERE kind = 1 AND first = 1").fetchone()
    return {"size": row[:2], "modified": row[2:]}


async def test_the_pack_with_most_changes_is_written_anew_first(
    tiny: SqliteCatalog, database: Database
) -> None:
    await put(tiny, *"abcdefghijk")
    await tiny.pack()
    for name in "gae":  # the entries 8, 2 and 6 of packs of four
        await tiny.move(name, f"{name}{name}", NOW)
    await tiny.pack()
    assert await database.read(lambda db: db.execute("SELECT entry_id FROM unpacked").fetchall()) == [(2,)]


async def test_a_pack_that_holds_nothing_any_more_goes(tiny: SqliteCatalog, database: Database) -> None:
    await put(tiny, *"abcdefg")
    await tiny.pack()
    assert (await state(database))[2] == [(0, 1), (1, 1), (1, 5)]
    doomed = [(await tiny.trash(name, 0, NOW)).id for name in "defg"]
    await tiny.purge(doomed, NOW)
    await tiny.pack()
    assert (await state(database)) == (8, 0, [(0, 1), (1, 1)])


async def test_a_batch_is_packed_behind_its_reply(eager: SqliteCatalog, database: Database) -> None:
    outcomes = await eager.finish([small(f"f{number}", b"x") for number in range(8)], NOW)
    assert len(outcomes) == 8
    assert eager._packer._running is not None
    await eager._packer._running
    assert (await state(database))[0] == 8


async def test_a_folder_of_another_format_is_searched_before_it_is_packed(database: Database) -> None:
    catalog = SqliteCatalog(database)
    await put(catalog, *chain.from_iterable((f"a/{n}", f"b/{n}") for n in range(5)))
    assert (await state(database))[0] == 0
    assert len((await catalog.listing(Listing("", 100, query="3"))).entries) == 2


async def test_a_disk_without_room_for_packs_lets_garbage_be_collected(
    eager: SqliteCatalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(db: sqlite3.Connection) -> None:
        raise NoSpace("full")

    monkeypatch.setattr(packing, "pack_next", full)
    await put(eager, *"abcdefg")
    await eager.note_garbage(["aa" * 32], NOW)
    assert await eager.garbage(10) == ["aa" * 32]
    while eager._packer._running is not None:
        await eager._packer._running
    assert "names could not be packed: full" in caplog.text
