"""What is used, told from sums: also in a folder that was filled before there were any."""

import sqlite3
from contextlib import closing
from pathlib import Path

from fileshare.domain.model import OnConflict
from fileshare.services.ports import Listing, Usage
from fileshare.storage.sqlite import migrating
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from tests.storage.builders import ANNA, BEN, NOW, finish, put, small
from tests.storage.conftest import add_accounts

BEFORE_SUMS = 2
"""The last format without them."""


def fill(db: sqlite3.Connection) -> None:
    """Two files, one of two versions; in the trash a file, and a folder of two files with three versions."""
    entries = [
        (2, 1, "a", 1, 2, 30), (3, 1, "docs", 0, None, 0), (4, 3, "b", 1, 1, 5),
        (5, None, "gone", 1, 1, 7), (6, None, "old", 0, None, 0), (7, 6, "c", 1, 2, 11),
        (8, 6, "d", 1, 1, 13),
    ]  # fmt: skip
    versions = [(2, 1, 20, ANNA), (2, 2, 30, BEN), (4, 1, 5, ANNA), (5, 1, 7, ANNA), (7, 1, 9, ANNA),
                (7, 2, 11, BEN), (8, 1, 13, ANNA)]  # fmt: skip
    db.executemany(
        "INSERT INTO entries (id, parent_id, name, kind, version, size, modified, created)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)",
        entries,
    )
    for content_id, (entry_id, number, size, account_id) in enumerate(versions):
        db.execute(
            "INSERT INTO contents VALUES (?1, ?2, ?3, 0)", (content_id, bytes([content_id]) * 32, size)
        )
        db.execute(
            "INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
            (entry_id, number, content_id, size, account_id),
        )
    db.execute("INSERT INTO trash (entry_id, path, size, deleted, account_id) VALUES (5, 'gone', 7, 0, 0)")
    db.execute("INSERT INTO trash (entry_id, path, size, deleted, account_id) VALUES (6, 'old', 33, 0, 0)")


async def test_a_folder_from_before_is_summed_and_searched(quick_path: Path) -> None:
    path = quick_path / "fileshare.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrating.migrate(db, path, migrating.load()[:BEFORE_SUMS])
        add_accounts(db)
        fill(db)
    database = Database(path)
    await database.open()
    catalog = SqliteCatalog(database)
    assert await catalog.usage() == Usage(files=2, current=35, versions=20, trash=40)
    assert await catalog.usage_by_owner() == {ANNA: 20 + 5 + 7 + 9 + 13, BEN: 30 + 11}
    assert await catalog.inconsistencies() == []
    found = await catalog.listing(Listing("", 10, query="d"))
    assert [entry.path for entry in found.entries] == ["docs"]
    await catalog.untrash(2, NOW)
    await catalog.purge([1], NOW)
    assert await catalog.usage() == Usage(files=4, current=59, versions=29, trash=0)
    assert await catalog.inconsistencies() == []
    await database.close()


async def test_sums_that_are_wrong_are_found(database: Database) -> None:
    catalog = SqliteCatalog(database)
    await put(catalog, "a", "b/c")
    await finish(catalog, small("a", b"other", on_conflict=OnConflict.REPLACE))
    await database.run(lambda db: db.execute("UPDATE sums SET current = current + 1").rowcount)
    await database.run(lambda db: db.execute("UPDATE made SET bytes = bytes - 1").rowcount)
    assert await catalog.inconsistencies() == [
        "1 sums of files do not fit the files.",
        "1 accounts are told another usage than their versions have.",
    ]
