"""What only SQLite's accounts must show: they last, keep no dead secret, and search by index."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fileshare.domain.model import Role, Session
from fileshare.storage.sqlite.accounts import SqliteAccounts
from fileshare.storage.sqlite.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "fileshare.db")
    await made.open()
    yield made
    await made.close()


async def test_accounts_and_events_survive_a_restart(database: Database, tmp_path: Path) -> None:
    bob = await SqliteAccounts(database).add("bob", Role.USER, "hash", False, 1)
    await database.close()
    await database.open()
    assert await SqliteAccounts(database).account(bob.id) == bob


async def test_a_deleted_accounts_hash_is_gone(database: Database) -> None:
    store = SqliteAccounts(database)
    bob = await store.add("bob", Role.USER, "hash", False, 1)
    await store.delete(bob.id, 2)

    def hashes(db: sqlite3.Connection) -> set[str]:
        return {row[0] for row in db.execute("SELECT password_hash FROM accounts")}

    assert await database.read(hashes) == {"!"}


async def test_the_search_of_events_walks_the_trail_and_sorts_nothing(database: Database) -> None:
    statements: list[str] = []

    def watch(db: sqlite3.Connection) -> None:
        db.set_trace_callback(statements.append)

    await database.read(watch)
    store = SqliteAccounts(database)
    await store.events(10, since=5, until=9, text="x")
    await store.events(10, since=5, until=9, text="x")
    (search, *_) = [statement for statement in statements if "FROM events" in statement]

    def plan(db: sqlite3.Connection) -> str:
        return " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {search}"))

    assert "TEMP B-TREE" not in await database.read(plan)


async def test_a_secret_is_recognised_by_an_index(database: Database) -> None:
    store = SqliteAccounts(database)
    bob = await store.add("bob", Role.USER, "hash", False, 1)
    await store.add_session(Session(0, bob.id, "token", "", 1, 99, 1, ""), b"s" * 32)

    def plan(db: sqlite3.Connection) -> str:
        rows = db.execute("EXPLAIN QUERY PLAN SELECT 1 FROM sessions WHERE secret_hash = ?1", (b"s" * 32,))
        return " ".join(row[3] for row in rows)

    assert "SEARCH" in await database.read(plan)
