"""The stores that every contract test runs on."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fileshare.services.ports import Blobs, Catalog, Listing, Page
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.memory import MemoryBlobs, MemoryCatalog
from fileshare.storage.sqlite import orders, packs, repacking, searching
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from tests.storage.builders import BOOT, NAMES, NOW

RAM = Path("/dev/shm")


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A folder in memory where there is one: what a contract says does not depend on the disk's pace."""
    with TemporaryDirectory(dir=RAM if RAM.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
async def database(quick_path: Path) -> AsyncIterator[Database]:
    """An open database with the accounts anna and ben."""
    opened = Database(quick_path / "fileshare.db")
    await opened.open()
    await opened.run(add_accounts)
    yield opened
    await opened.close()


TINY = (
    (packs, "SIZE", 4), (repacking, "STALE", 3), (repacking, "FOLDERS_TOLD", 2), (searching, "FEW_NAMES", 0),
    (searching, "MISSES", 3), (searching, "STRETCH", 2), (repacking, "REVALUED", 1000), (packs, "LARGE", 16),
    (orders, "STEP", 2), (orders, "ALIKE", 1),
)  # fmt: skip
"""Limits at which every way of searching is gone with a handful of files."""


class PackedCatalog(SqliteCatalog):
    """Packs what is due before each look."""

    async def listing(self, what: Listing) -> Page:
        await self.pack()
        return await super().listing(what)


def add_accounts(db: sqlite3.Connection) -> None:
    """The accounts that the builders' uploads belong to."""
    db.executemany(
        "INSERT INTO accounts (id, name, folded, role, password_hash, enabled, default_password, created)"
        " VALUES (?1, ?2, ?2, 'user', '!', 1, 0, ?3)",
        [(account_id, name, NOW) for account_id, name in NAMES.items() if account_id],
    )


@pytest.fixture(params=["memory", "sqlite"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """A catalog of each kind."""
    if request.param == "memory":
        return MemoryCatalog(NAMES.__getitem__)
    return SqliteCatalog(request.getfixturevalue("database"))


@pytest.fixture
def packed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A catalog that finds in tiny packs what it would otherwise read row by row."""
    for module, limit, value in TINY:
        monkeypatch.setattr(module, limit, value)
    return PackedCatalog(database)


@pytest.fixture(params=["memory", "disk"])
async def blobs(request: pytest.FixtureRequest, quick_path: Path) -> AsyncIterator[Blobs]:
    """Blobs of each kind."""
    if request.param == "memory":
        yield MemoryBlobs(BOOT)
        return
    opened = DiskBlobs(quick_path, BOOT)
    await opened.open()
    yield opened
    await opened.close()
