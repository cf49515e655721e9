"""Searches among thousands of names, some changed since they were packed, against a look at every row."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from fileshare.services.ports import Listing
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import listing, packing, packs, repacking, searching
from fileshare.storage.sqlite.shelf import Shelf
from tests.acceptance.many_files import BIG, RARE, write_many

FILES = 12_000
QUERIES = (".", "report", "_0", "77", "0", "e_q", RARE, "ß", "changed", "folder", "report_photo", "qzzwx")
CHANGES = (
    "UPDATE entries SET size = 5, modified = modified + 1000000 WHERE id = ?1",
    "UPDATE entries SET name = 'changed ' || name, folded = 'changed ' || folded WHERE id = ?1",
    "UPDATE entries SET parent_id = NULL WHERE id = ?1",
)


class Entry(NamedTuple):
    """A row as it is searched."""

    id: int
    parent_id: int | None
    compared: str
    name: str
    size: int
    modified: int
    kind: int


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Some thousands of files, packed, the first of them in a large pack; then some got another size, name or
    place, and some the same size."""
    path = Path(tmp_path_factory.mktemp("house")) / "fileshare.db"
    write_many(path, FILES, "searches")
    chance = random.Random(1)
    with closing(sqlite3.connect(path, isolation_level=None)) as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "SIZE", 1024)
        patch.setattr(packs, "LARGE", 4096)
        db.execute("BEGIN")
        while packing.is_due(db):
            packing.pack_next(db)
        while (ready := repacking.make_ready(db)) is not None:
            repacking.replace(db, ready)
        for entry_id in chance.sample(range(100, FILES), 600):
            db.execute(chance.choice(CHANGES), (entry_id,))
        db.execute("UPDATE entries SET size = 4096 WHERE id BETWEEN 5000 AND 5900")
        yield db


def place(entry: Entry, sort: str) -> Place:
    values = {"name": 0, "size": entry.size, "modified": entry.modified}
    return Place(entry.kind, values[sort], entry.name, entry.id)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["name", "size", "modified"])
@pytest.mark.parametrize("path", ["", BIG])
def test_every_page_is_what_a_look_at_every_row_finds(
    house: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, path: str, sort: str, descending: bool
) -> None:
    monkeypatch.setattr(searching, "FEW_NAMES", 100)
    shelf = Shelf(1 << 19)  # without room for all
    chance = random.Random(f"{path} {sort} {descending}")
    rows = house.execute(
        "SELECT id, parent_id, coalesce(folded, name), name, size, modified, kind FROM entries WHERE id > 1"
    ).fetchall()
    below = [entry for entry in map(Entry._make, rows) if entry.parent_id is not None]
    if path:
        below = [entry for entry in below if entry.parent_id == 2]
    for query in QUERIES:
        matching = [place(entry, sort) for entry in below if query.casefold() in entry.compared]
        expected = [
            each
            for kind in (0, 1)
            for each in sorted((each for each in matching if each.kind == kind), reverse=descending)
        ]
        for limit in (1, 30, 500):
            start = chance.randrange(len(expected) + 1)
            cursor = expected[start - 1].encode() if start else None
            page = listing.listing(house, Listing(path, limit, cursor, sort, descending, query), shelf)
            assert [entry.id for entry in page.entries] == [each.id for each in expected[start:][:limit]]
            assert (page.next is None) == (len(expected) <= start + limit)
