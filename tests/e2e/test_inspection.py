"""The inspection must see what is wrong, or a clean folder says nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.sources import content
from tests.e2e.talk import Version1

MIB = 1 << 20


@pytest.fixture
def data_dir(serve: Serve) -> Path:
    """A folder with a big file, a small one and a half-done upload, whose server has been killed."""
    server = serve(require_auth=False)
    with Version1(server.address) as talk:
        talk.upload("big.bin", content(MIB))
        talk.upload("folder/small.txt", b"small")
    with Version1(server.address) as talk:
        talk.begin("half.bin", content(2 * MIB))
        talk.send(content(2 * MIB)[:MIB])
        talk.finish()
        assert talk.closed()
    server.kill()
    return server.data_dir


def change(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / "fileshare.db")) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(statement)


def the_blob(data_dir: Path) -> Path:
    return next(data_dir.glob("blobs/*/*"))


def test_a_healthy_folder_has_only_its_half_done_upload(data_dir: Path) -> None:
    found = inspect(data_dir, rehash=True)
    assert (found.lost, found.orphans, len(found.half_done)) == ([], [], 1)
    assert sorted(stored(data_dir)) == ["big.bin", "folder/small.txt"]
    assert half_done(data_dir) == [("half.bin", MIB, MIB)]


def test_a_missing_a_short_and_a_changed_blob_are_losses(data_dir: Path) -> None:
    blob = the_blob(data_dir)
    blob.chmod(0o600)
    blob.write_bytes(b"x" * MIB)
    assert inspect(data_dir).lost == []
    assert "damaged" in inspect(data_dir, rehash=True).lost[0]
    blob.write_bytes(b"x")
    assert "instead of" in inspect(data_dir).lost[0]
    blob.unlink()
    assert "no blob" in inspect(data_dir).lost[0]


def test_damaged_small_content_is_a_loss(data_dir: Path) -> None:
    change(data_dir, "UPDATE small_contents SET data = x'00'")
    assert "damaged" in inspect(data_dir).lost[0]


def test_a_part_shorter_than_its_row_is_a_loss(data_dir: Path) -> None:
    next(data_dir.glob("uploads/*.part")).write_bytes(b"")
    assert "its row says" in inspect(data_dir).lost[0]


def test_blobs_parts_and_rows_that_nothing_knows_are_orphans(data_dir: Path) -> None:
    (the_blob(data_dir).parent / ("a" * 64)).touch()
    (data_dir / "uploads" / ("b" * 32 + ".part")).touch()
    change(
        data_dir, "DELETE FROM versions WHERE entry_id = (SELECT id FROM entries WHERE name = 'small.txt')"
    )
    found = inspect(data_dir)
    assert len([orphan for orphan in found.orphans if "belongs to no" in orphan]) == 3
    assert "no current version" in found.lost[0]
