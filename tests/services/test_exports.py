"""Plain files out of the store: whole, dated, and never over what is there."""

import os
from pathlib import Path

import pytest

from fileshare.errors import NoSpace
from fileshare.services.exports import Export
from fileshare.services.tally import Progress, Tally
from fileshare.storage.export_folder import ExportFolder
from tests.services.shelf import MemoryShelf, Shelf, large
from tests.storage.open_files import opened


def ignore(progress: Progress) -> None:
    """Nobody watches."""


async def export(shelf: Shelf, to: Path) -> Tally:
    return await Export(shelf.catalog, shelf.blobs, ExportFolder(to)).run(ignore)


def lying_in(folder: Path) -> dict[str, bytes | None]:
    """Files with their bytes, and folders with None."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


async def test_export_writes_current_files_and_empty_folders(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.put("a/small", b"x")
    await shelf.put("a/large", b"older")
    await shelf.put("a/large", large("y"))
    await shelf.catalog.make_folder("empty", 0)
    await shelf.put("gone", b"z")
    await shelf.trash("gone")
    tally = await export(shelf, tmp_path / "out")
    assert lying_in(tmp_path / "out") == {
        "a": None,
        "a/small": b"x",
        "a/large": large("y"),
        "empty": None,
    }
    assert (tally.files, tally.size, tally.problems) == (2, 1 + len(large("y")), [])
    assert (tmp_path / "out/a/small").stat().st_mtime_ns == shelf.clock.now * 1_000_000


async def test_export_again_leaves_what_is_there(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.put("a", large("x"))
    await export(shelf, tmp_path / "out")
    before = (tmp_path / "out/a").stat()
    tally = await export(shelf, tmp_path / "out")
    assert (tally.files, tally.already_there) == (0, 1)
    after = (tmp_path / "out/a").stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


async def test_export_replaces_nothing_of_other_content(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.put("a", b"ours")
    await shelf.put("b", b"ours too")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"mine")
    tally = await export(shelf, tmp_path / "out")
    assert [problem.path for problem in tally.problems] == ["a"]
    assert lying_in(tmp_path / "out") == {"a": b"mine", "b": b"ours too"}


async def test_export_does_not_follow_a_link_out_of_its_folder(shelf: Shelf, tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / "folder").symlink_to(outside)
    (target / "file").symlink_to(outside / "file")
    await shelf.put("folder/a", b"x")
    await shelf.put("file", b"y")
    tally = await export(shelf, target)
    assert {problem.path for problem in tally.problems} == {"folder", "folder/a", "file"}
    assert lying_in(outside) == {}


async def test_damaged_content_is_named_and_not_exported(shelf: Shelf, tmp_path: Path) -> None:
    receipt = await shelf.put("bad", large("x"))
    await shelf.put("good", large("y"))
    shelf.damage(receipt.digest, large("z"))
    tally = await export(shelf, tmp_path / "out")
    assert [problem.path for problem in tally.problems] == ["bad"]
    assert lying_in(tmp_path / "out") == {"good": large("y")}


async def test_export_ends_where_the_disk_is_full(
    memory_shelf: MemoryShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    await memory_shelf.put("a", large("x"))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NoSpace):
        await export(memory_shelf, tmp_path / "out")
    assert lying_in(tmp_path / "out") == {}


async def test_exported_file_is_no_link_to_a_blob(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(large("x"))
    async with ExportFolder(tmp_path).new_file("a") as new:
        async with opened(blob) as file:
            await new.send_file(file, 0, len(large("x")))
        await new.keep(0)
    with (tmp_path / "a").open("r+b") as edited:
        edited.write(b"edited")
    assert blob.read_bytes() == large("x")
    assert blob.stat().st_nlink == 1
