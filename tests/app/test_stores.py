"""Opening the stores when the disk is full."""

from pathlib import Path

import pytest

from fileshare.app.stores import locked_folder, opened
from fileshare.errors import NoSpace
from fileshare.storage.sqlite.database import Database


async def test_a_full_disk_costs_the_reserve_and_not_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    really_open = Database.open

    async def open_when_there_is_room(database: Database) -> None:
        tries.append(1)
        if len(tries) == 2:
            raise NoSpace()
        await really_open(database)

    monkeypatch.setattr(Database, "open", open_when_there_is_room)
    with locked_folder(tmp_path / "data") as folder:
        async with opened(folder):
            pass  # the first start sets the reserve aside
        async with opened(folder):
            pass
    assert len(tries) == 3
