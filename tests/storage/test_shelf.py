"""What is kept of packs between searches: bounded, never wrong, and given back."""

import asyncio

import pytest

from fileshare.services.ports import Listing
from fileshare.storage.sqlite import packs, repacking, searching, shelf
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from fileshare.storage.sqlite.packing import Packer
from tests.storage.builders import NOW, put


@pytest.fixture
async def catalog(database: Database, monkeypatch: pytest.MonkeyPatch) -> SqliteCatalog:
    """Seven files of which packs of four are searched; nothing is packed but by `pack`."""
    monkeypatch.setattr(Packer, "begin", lambda _: None)
    monkeypatch.setattr(packs, "SIZE", 4)
    monkeypatch.setattr(packs, "LARGE", 8)
    monkeypatch.setattr(repacking, "STALE", 1)
    monkeypatch.setattr(searching, "FEW_NAMES", 0)
    catalog = SqliteCatalog(database)
    await put(catalog, *"abcdefg")
    await catalog.pack()
    return catalog


async def found(catalog: SqliteCatalog, query: str, sort: str = "name") -> list[str]:
    return [entry.path for entry in (await catalog.listing(Listing("", 9, sort=sort, query=query))).entries]


async def test_a_second_search_reads_no_pack(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await found(catalog, "c", "size") == ["c"]
    assert catalog._shelf.size > 0
    monkeypatch.setattr(shelf, "_read", None)
    assert await found(catalog, "d", "size") == ["d"]


async def test_packs_that_were_written_anew_are_forgotten(catalog: SqliteCatalog) -> None:
    assert await found(catalog, "c") == ["c"]
    before = catalog._shelf.size
    await catalog.move("c", "x", NOW)
    await catalog.pack()
    assert (await found(catalog, "c"), await found(catalog, "x")) == ([], ["x"])
    assert catalog._shelf.size == before


async def test_without_room_nothing_is_kept(catalog: SqliteCatalog) -> None:
    catalog._shelf = shelf.Shelf(room=1)
    assert await found(catalog, "c") == ["c"]
    assert catalog._shelf.size == 0


async def test_memory_is_given_back_when_nobody_searches(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "IDLE_SECONDS", 0.01)
    await found(catalog, "c")
    async with asyncio.timeout(5):
        while catalog._shelf.size:
            await asyncio.sleep(0.01)


async def test_changes_while_a_pack_is_made_ready_stay_noted(
    catalog: SqliteCatalog, database: Database
) -> None:
    await catalog.move("c", "x", NOW)
    ready = await database.read(repacking.make_ready)
    assert ready is not None
    await catalog.move("x", "y", NOW)
    await catalog.move("d", "z", NOW)
    await database.run(repacking.replace, ready)
    assert [await found(catalog, query) for query in "cxydz"] == [[], [], ["y"], [], ["z"]]
    await catalog.pack()
    assert [await found(catalog, query) for query in "cxydz"] == [[], [], ["y"], [], ["z"]]
