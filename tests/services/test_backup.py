"""A data folder copied into another, while it is used: whole, checked, and a data folder itself."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fileshare.app.offline import reading
from fileshare.domain import upload as life
from fileshare.domain.model import File, Upload, UploadState
from fileshare.errors import Conflict, NotFound, StorageFailed
from fileshare.services.backup import Backup
from fileshare.services.ports import Content
from fileshare.services.tally import Progress
from fileshare.services.verification import Findings
from fileshare.storage.clone import copy_range
from fileshare.storage.folder_copy import UNNAMED, FolderCopy
from fileshare.storage.sqlite.reading import ReadingDatabase
from tests.services.shelf import BOOT, Bytes, DiskShelf, digest_of, large


def ignore(progress: Progress) -> None:
    """Nobody watches."""


async def back_up(source: Path, target: Path) -> Findings:
    with closing(FolderCopy(source, target)) as copy:
        return await Backup(copy).run(ignore, ignore)


async def begin_upload(shelf: DiskShelf, data: bytes, size: int = 1000) -> Upload:
    """A half-done upload that has these bytes, acknowledged, and some more behind them."""
    upload = life.begin("a" * 32, shelf.owner.id, "big", now=1, boot_id=BOOT, device=1, size=size)
    part = await shelf.blobs.create(upload.id)
    await part.receive(Bytes(data + b"more"), 1000)
    await part.sync()
    await part.close()
    upload = life.advance(upload, len(data), 2)
    await shelf.catalog.add_upload(upload)
    return upload


async def content_of(data_dir: Path, path: str) -> str:
    """The digest that a file's bytes really have in a data folder."""
    async with reading(data_dir) as (catalog, blobs):
        entry = await catalog.entry(path)
        assert isinstance(entry, File)
        return await blobs.rehash(await catalog.content(entry.version.digest))


async def test_backup_is_a_data_folder_with_everything(disk_shelf: DiskShelf, tmp_path: Path) -> None:
    await disk_shelf.put("a/small", b"x")
    await disk_shelf.put("a/large", b"older")
    await disk_shelf.put("a/large", large("y"))
    await disk_shelf.put("gone", large("z"))
    await disk_shelf.trash("gone")
    (disk_shelf.data_dir / "fileshare.toml").write_text("trash_days = 7\n")
    findings = await back_up(disk_shelf.data_dir, tmp_path / "copy")
    assert (findings.contents, findings.damaged) == (4, [])
    assert await content_of(tmp_path / "copy", "a/large") == digest_of(large("y"))
    assert await content_of(tmp_path / "copy", "a/small") == digest_of(b"x")
    async with reading(tmp_path / "copy") as (catalog, _):
        assert [entry.path for entry in await catalog.trashed()] == ["gone"]
        assert len(await catalog.versions("a/large")) == 2
    assert (tmp_path / "copy/fileshare.toml").read_text() == "trash_days = 7\n"
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == [
        "blobs",
        "fileshare.db",
        "fileshare.toml",
        "uploads",
    ]


async def test_backup_of_a_backup_is_the_same_again(disk_shelf: DiskShelf, tmp_path: Path) -> None:
    await disk_shelf.put("a", large("x"))
    await back_up(disk_shelf.data_dir, tmp_path / "copy")
    findings = await back_up(tmp_path / "copy", tmp_path / "restored")
    assert (findings.contents, findings.damaged) == (1, [])
    assert await content_of(tmp_path / "restored", "a") == digest_of(large("x"))


async def test_half_done_upload_resumes_from_its_offset_in_the_copy(
    disk_shelf: DiskShelf, tmp_path: Path
) -> None:
    upload = await begin_upload(disk_shelf, b"received")
    findings = await back_up(disk_shelf.data_dir, tmp_path / "copy")
    assert (findings.uploads, findings.damaged) == (1, [])
    async with reading(tmp_path / "copy") as (catalog, blobs):
        assert (await catalog.upload(upload.id)).offset == len(b"received")
        assert await blobs.rehash_part(upload.id) == (len(b"received"), digest_of(b"received"))


class Meanwhile(FolderCopy):
    """A copy of a folder in which something happens right after its database was copied."""

    async def database(self) -> None:
        await super().database()
        await self.happens()

    async def happens(self) -> None:
        raise NotImplementedError


async def test_upload_that_is_finished_meanwhile_is_half_done_in_the_copy(
    disk_shelf: DiskShelf, tmp_path: Path
) -> None:
    upload = await begin_upload(disk_shelf, large("x"))

    class Finishes(Meanwhile):
        async def happens(self) -> None:
            await disk_shelf.blobs.publish(upload.id, digest_of(large("x") + b"more"))
            await disk_shelf.catalog.drop_upload(upload.id)

    with closing(Finishes(disk_shelf.data_dir, tmp_path / "copy")) as copy:
        findings = await Backup(copy).run(ignore, ignore)
    assert findings.damaged == []
    async with reading(tmp_path / "copy") as (_, blobs):
        assert await blobs.rehash_part(upload.id) == (len(large("x")), digest_of(large("x")))


async def test_upload_that_was_being_published_is_whole_in_the_copy(
    disk_shelf: DiskShelf, tmp_path: Path
) -> None:
    data = large("x")
    upload = life.begin("b" * 32, disk_shelf.owner.id, "v", now=1, boot_id=BOOT, device=1, size=len(data))
    await disk_shelf.catalog.add_upload(life.verify(life.advance(upload, len(data), 2), digest_of(data), 3))
    await disk_shelf.lay_blob(data, upload.id)
    findings = await back_up(disk_shelf.data_dir, tmp_path / "copy")
    assert findings.damaged == []
    async with reading(tmp_path / "copy") as (catalog, blobs):
        assert (await catalog.upload(upload.id)).state is UploadState.VERIFYING
        assert await blobs.rehash_part(upload.id) == (len(data), digest_of(data))


async def test_what_is_stored_meanwhile_does_not_tear_the_copy(disk_shelf: DiskShelf, tmp_path: Path) -> None:
    await disk_shelf.put("before", large("x"))

    class Stores(Meanwhile):
        async def happens(self) -> None:
            await disk_shelf.put("after", large("y"))
            await disk_shelf.put("before", large("z"))

    with closing(Stores(disk_shelf.data_dir, tmp_path / "copy")) as copy:
        findings = await Backup(copy).run(ignore, ignore)
    assert findings.damaged == []
    async with reading(tmp_path / "copy") as (catalog, _):
        assert await catalog.count_files() == 1
    assert await content_of(tmp_path / "copy", "before") == digest_of(large("x"))


async def test_damage_in_the_source_is_named_and_the_rest_copied(
    disk_shelf: DiskShelf, tmp_path: Path
) -> None:
    missing = await disk_shelf.put("missing", large("x"))
    rotten = await disk_shelf.put("rotten", large("y"))
    await disk_shelf.put("good", large("z"))
    disk_shelf.damage(missing.digest, None)
    disk_shelf.damage(rotten.digest, large("?"))
    findings = await back_up(disk_shelf.data_dir, tmp_path / "copy")
    assert {damage.what: list(damage.paths) for damage in findings.damaged} == {
        missing.digest: ["missing"],
        rotten.digest: ["rotten"],
    }
    assert await content_of(tmp_path / "copy", "good") == digest_of(large("z"))


async def test_copy_does_not_share_a_blob_with_its_source(disk_shelf: DiskShelf, tmp_path: Path) -> None:
    receipt = await disk_shelf.put("a", large("x"))
    await back_up(disk_shelf.data_dir, tmp_path / "copy")
    copied = tmp_path / "copy/blobs" / receipt.digest[:2] / receipt.digest
    assert copied.stat().st_nlink == 1
    copied.write_bytes(b"edited")
    assert disk_shelf.blob(receipt.digest).read_bytes() == large("x")


async def test_folder_with_something_in_it_is_refused(disk_shelf: DiskShelf, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/letter").write_text("dear")
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "used", disk_shelf.data_dir, tmp_path / "file"):
        with pytest.raises(Conflict):
            await back_up(disk_shelf.data_dir, target)
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["letter"]


async def test_folder_that_is_no_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await back_up(tmp_path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_interrupted_backup_is_no_data_folder_and_can_be_gone_on_with(
    disk_shelf: DiskShelf, tmp_path: Path
) -> None:
    await disk_shelf.put("a", large("x"))
    await disk_shelf.put("b", large("y"))

    class Breaks(FolderCopy):
        async def blob(self, content: Content) -> None:
            await super().blob(content)
            raise StorageFailed()

    with pytest.raises(StorageFailed), closing(Breaks(disk_shelf.data_dir, tmp_path / "copy")) as copy:
        await Backup(copy).run(ignore, ignore)
    with pytest.raises(NotFound):
        await content_of(tmp_path / "copy", "a")
    assert (await back_up(disk_shelf.data_dir, tmp_path / "copy")).damaged == []
    assert await content_of(tmp_path / "copy", "b") == digest_of(large("y"))


async def test_one_bad_sector_does_not_end_the_backup(
    disk_shelf: DiskShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await disk_shelf.put("bad", large("x"))
    await disk_shelf.put("good", large("y"))

    def failing(source: int, target: int, offset: int, count: int) -> None:
        if os.path.sameopenfile(source, reading_fd):
            raise OSError(5, "Input/output error")
        copy_range(source, target, offset, count)

    reading_fd = os.open(disk_shelf.blob(bad.digest), os.O_RDONLY)
    monkeypatch.setattr("fileshare.storage.folder_copy.copy_range", failing)
    findings = await back_up(disk_shelf.data_dir, tmp_path / "copy")
    os.close(reading_fd)
    assert [list(damage.paths) for damage in findings.damaged] == [["bad"]]


async def test_an_error_at_the_end_is_told_as_the_disks(
    disk_shelf: DiskShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sqlite3.connect

    def failing(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path == tmp_path / "copy" / UNNAMED and "cached_statements" not in kwargs:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return real(path, *args, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", failing)
    with pytest.raises(StorageFailed):
        await back_up(disk_shelf.data_dir, tmp_path / "copy")
    assert not (tmp_path / "copy" / "fileshare.db").exists()


async def test_a_database_that_can_not_be_read_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "fileshare.db").write_bytes(b"no database at all")
    database = ReadingDatabase(tmp_path / "fileshare.db")
    with pytest.raises(StorageFailed):
        await database.open()
    assert "database-reader" not in [thread.name for thread in threading.enumerate()]
