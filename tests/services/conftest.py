"""Stores with files on them: each test that takes `shelf` runs in memory and on the disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.services.shelf import DiskShelf, MemoryShelf, Shelf


@asynccontextmanager
async def opened(shelf: Shelf) -> AsyncIterator[Shelf]:
    await shelf.open()
    try:
        yield shelf
    finally:
        await shelf.close()


@pytest.fixture(params=["memory", "disk"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Stores of each kind."""
    made = MemoryShelf() if request.param == "memory" else DiskShelf(tmp_path / "data")
    async with opened(made):
        yield made


@pytest.fixture
async def memory_shelf() -> AsyncIterator[MemoryShelf]:
    """Stores whose steps can be told to fail."""
    made = MemoryShelf()
    async with opened(made):
        yield made


@pytest.fixture
async def disk_shelf(tmp_path: Path) -> AsyncIterator[DiskShelf]:
    """A real data folder."""
    made = DiskShelf(tmp_path / "data")
    async with opened(made):
        yield made
