"""Deleted rows give their disk back, in steps, while others write."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from fileshare.storage.sqlite import database as module
from fileshare.storage.sqlite.database import Database

ROWS = 3000
BYTES = 4000


def fill(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE bulk (id INTEGER PRIMARY KEY, data BLOB)")
    db.executemany("INSERT INTO bulk (data) VALUES (?1)", [(bytes(BYTES),) for _ in range(ROWS)])


def empty(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM bulk")


def insert(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO bulk (data) VALUES (?1)", (bytes(10),))


async def test_deleted_rows_give_their_disk_back(
    database: Database, quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHRINK_STEP", 500)
    file = quick_path / "fileshare.db"
    await database.run(fill)
    await database.run(empty)
    assert await database.shrink(), "one step is not all of it"
    steps = 1
    while await database.shrink():
        steps += 1
    await database.close()
    assert file.stat().st_size < ROWS * BYTES / 2
    assert steps > 2


async def test_little_free_room_is_kept_for_what_comes_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_FREE", 2 * ROWS)
    await database.run(fill)
    await database.run(empty)
    assert not await database.shrink()


async def test_others_write_between_the_steps(database: Database) -> None:
    await database.run(fill)
    await database.run(empty)
    shrinking, inserting = await asyncio.gather(database.shrink(), database.run(insert))
    assert shrinking
    assert inserting is None
    (left,) = await database.read(lambda db: db.execute("SELECT count(*) FROM bulk").fetchone())
    assert left == 1


async def test_deleting_needs_less_room_than_it_frees(database: Database, quick_path: Path) -> None:
    """Some builds of SQLite write zeros over what is deleted, unless they are told not to."""
    log = quick_path / "fileshare.db-wal"
    await database.run(fill)
    await database.run(lambda db: None)
    before = log.stat().st_size
    await database.run(empty)
    assert log.stat().st_size - before < ROWS * BYTES / 4


async def test_database_that_can_not_shrink_says_that_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE bulk (id INTEGER PRIMARY KEY, data BLOB)")
        db.execute("DROP TABLE bulk")
    db.close()
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_first.sql").write_text("CREATE TABLE x (id INTEGER);")
    database = Database(path, tmp_path / "migrations")
    await database.open()
    await database.run(fill)
    await database.run(empty)
    assert not await database.shrink()
    await database.close()
