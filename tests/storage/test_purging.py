"""Purging a large folder in slices: at once for those who look, though it takes a while."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from fileshare.domain.model import Trashed
from fileshare.errors import NoSpace, NotFound
from fileshare.services.ports import Usage
from fileshare.storage.sqlite import purging
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from tests.storage.builders import ANNA, NOW, blob, digest_of, finish, put, small

PATHS = [f"{folder}/{name}" for folder in ("a", "a/b", "a/b/c", "a/d") for name in ("1", "2", "3")]
BYTES = sum(len(path) for path in PATHS)


@pytest.fixture
def catalog(database: Database) -> SqliteCatalog:
    return SqliteCatalog(database)


@pytest.fixture
async def trashed(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> Trashed:
    """A folder of twelve files and three folders, which takes many slices."""
    monkeypatch.setattr(purging, "SLICE", 2)
    await put(catalog, *PATHS, "kept")
    await catalog.make_folder("a/empty/er", NOW)
    return await catalog.trash("a", ANNA, NOW)


class Interrupted:
    """Slices, of which only the first few succeed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
        self.allowed = allowed
        self.real: Callable[..., Any] = purging.purge_slice
        monkeypatch.setattr(purging, "purge_slice", self)

    def __call__(self, db: sqlite3.Connection, *args: object) -> object:
        if not self.allowed:
            raise NoSpace()
        self.allowed -= 1
        return self.real(db, *args)


async def test_every_slice_together_is_the_whole(catalog: SqliteCatalog, trashed: Trashed) -> None:
    assert await catalog.purge([trashed.id], NOW) == BYTES
    assert await catalog.usage() == Usage(files=1, current=4, versions=0, trash=0)
    assert await catalog.count_contents() == 1
    assert await catalog.inconsistencies() == []


async def test_an_interrupted_purge_is_gone_for_all_who_look_and_gone_on_with(
    catalog: SqliteCatalog, trashed: Trashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for allowed in (0, 1, 3):
        slices = Interrupted(monkeypatch, allowed)
        with pytest.raises(NoSpace):
            await catalog.purge([trashed.id], NOW)
        assert await catalog.trashed() == []
        with pytest.raises(NotFound):
            await catalog.untrash(trashed.id, NOW)
        assert await catalog.paths_of(digest_of(b"a/1")) == []
        assert await catalog.usage() == Usage(files=1, current=4, versions=0, trash=0)
        assert await catalog.inconsistencies() == []
        slices.allowed = 0
        monkeypatch.setattr(purging, "purge_slice", slices.real)
    assert await catalog.garbage(10) == []
    assert await catalog.count_contents() == 1
    assert await catalog.inconsistencies() == []


async def test_a_purge_that_is_asked_for_again_goes_on(
    catalog: SqliteCatalog, trashed: Trashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = Interrupted(monkeypatch, 2)
    with pytest.raises(NoSpace):
        await catalog.purge([trashed.id], NOW)
    slices.allowed = 100
    assert 0 < await catalog.purge([trashed.id], NOW) < BYTES
    assert await catalog.count_contents() == 1


async def test_a_purge_whose_caller_is_cancelled_goes_on(
    catalog: SqliteCatalog, trashed: Trashed, database: Database
) -> None:
    purge = asyncio.create_task(catalog.purge([trashed.id], NOW))
    while await database.read(purging.marked) == []:
        await asyncio.sleep(0)
    purge.cancel()
    with pytest.raises(asyncio.CancelledError):
        await purge
    while await catalog.count_contents() > 1:
        await asyncio.sleep(0)
    assert await catalog.inconsistencies() == []


async def test_others_get_their_turn_between_the_slices(catalog: SqliteCatalog, trashed: Trashed) -> None:
    order: list[str] = []

    async def noted(name: str, work: Any) -> None:
        await work
        order.append(name)

    await asyncio.gather(
        noted("purge", catalog.purge([trashed.id], NOW)), noted("upload", finish(catalog, small("new")))
    )
    assert order == ["upload", "purge"]


async def test_what_two_versions_and_files_share_is_given_up_once(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "SLICE", 1)
    for path in ("a/1", "a/2", "b"):
        await finish(catalog, blob(path, b"shared"))
    ids = [(await catalog.trash(path, ANNA, NOW)).id for path in ("a", "b")]
    assert await catalog.purge(ids, NOW) == 6
    assert await catalog.garbage(10) == [digest_of(b"shared")]
