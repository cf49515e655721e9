"""Plain files into the store: whole, dated, and the same twice."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fileshare.domain.model import File
from fileshare.errors import NoSpace, NotFound
from fileshare.services.imports import Found, Import
from fileshare.services.locks import DigestLocks
from fileshare.services.tally import Progress, Tally
from fileshare.storage.import_folder import ImportedFile, ImportFolder
from tests.services.shelf import OWNER, SMALL, MemoryShelf, Shelf, digest_of, large


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to import."""
    made = tmp_path / "in"
    made.mkdir()
    return made


def ignore(progress: Progress) -> None:
    """Nobody watches."""


async def bring_in(shelf: Shelf, origin: ImportFolder | Path, to: str = "") -> Tally:
    job = Import(
        shelf.catalog,
        shelf.blobs,
        digest_locks=DigestLocks(),
        clock=shelf.clock,
        owner=shelf.owner,
        folder=to,
        small_size=SMALL,
    )
    return await job.run(ImportFolder(origin) if isinstance(origin, Path) else origin, ignore)


async def stored(shelf: Shelf) -> dict[str, str | None]:
    """Every path with its digest, folders with None."""
    page = await shelf.catalog.walk("", 1000)
    return {entry.path: entry.version.digest if isinstance(entry, File) else None for entry in page.entries}


def fill(root: Path) -> None:
    (root / "deep/empty").mkdir(parents=True)
    (root / "deep/small").write_bytes(b"x")
    (root / "large").write_bytes(large("y"))
    os.utime(root / "large", ns=(1, 1_600_000_000_123_000_000))


async def test_import_stores_files_folders_and_times(shelf: Shelf, folder: Path) -> None:
    fill(folder)
    tally = await bring_in(shelf, folder, "from/disk")
    assert await stored(shelf) == {
        "from": None,
        "from/disk": None,
        "from/disk/deep": None,
        "from/disk/deep/empty": None,
        "from/disk/deep/small": digest_of(b"x"),
        "from/disk/large": digest_of(large("y")),
    }
    (version,) = await shelf.catalog.versions("from/disk/large")
    assert (version.modified, version.owner) == (1_600_000_000_123, OWNER)
    assert (tally.files, tally.size, tally.problems) == (2, 1 + len(large("y")), [])
    assert await shelf.blobs.parts() == []
    assert await shelf.lying() == {digest_of(large("y"))}


async def test_import_again_makes_no_second_copy(shelf: Shelf, folder: Path) -> None:
    fill(folder)
    await bring_in(shelf, folder)
    before = await stored(shelf)
    tally = await bring_in(shelf, folder)
    assert (tally.files, tally.already_there) == (0, 2)
    assert await stored(shelf) == before
    assert len(await shelf.catalog.versions("large")) == 1


async def test_other_content_of_that_name_is_kept_beside(shelf: Shelf, folder: Path) -> None:
    await shelf.put("a.txt", b"theirs")
    (folder / "a.txt").write_bytes(b"mine")
    for _ in range(2):
        tally = await bring_in(shelf, folder)
        assert await stored(shelf) == {"a.txt": digest_of(b"theirs"), "a_v2.txt": digest_of(b"mine")}
    assert tally.already_there == 1


async def test_links_and_pipes_are_named_and_not_followed(shelf: Shelf, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (folder / "folder").symlink_to(outside)
    (folder / "file").symlink_to(outside / "secret")
    os.mkfifo(folder / "pipe")
    tally = await bring_in(shelf, folder)
    assert await stored(shelf) == {}
    assert {problem.path: problem.message for problem in tally.problems} == {
        "file": "skipped: it is a symbolic link",
        "folder": "skipped: it is a symbolic link",
        "pipe": "skipped: it is a pipe",
    }


async def test_names_that_can_not_be_stored_are_named(shelf: Shelf, folder: Path) -> None:
    (folder / "back\\slash").write_bytes(b"x")
    (folder / "good").write_bytes(b"y")
    (folder / os.fsdecode(b"\xff")).write_bytes(b"z")
    tally = await bring_in(shelf, folder)
    assert {problem.path for problem in tally.problems} == {"back\\slash", "\udcff"}
    assert await stored(shelf) == {"good": digest_of(b"y")}


async def test_file_in_the_place_of_a_folder_is_named(shelf: Shelf, folder: Path) -> None:
    await shelf.put("deep", b"a file")
    await shelf.put("large/inside", b"a folder")
    fill(folder)
    tally = await bring_in(shelf, folder)
    assert {problem.path for problem in tally.problems} == {"deep", "deep/empty", "deep/small", "large"}


class GrowsBeforeItIsRead(ImportFolder):
    @asynccontextmanager
    async def open(self, found: Found) -> AsyncIterator[ImportedFile]:
        with (self.root / found.path).open("ab") as same:
            same.write(b"more")
        async with super().open(found) as file:
            yield file


class GrowsWhileItIsRead(ImportFolder):
    @asynccontextmanager
    async def open(self, found: Found) -> AsyncIterator[ImportedFile]:
        async with super().open(found) as file:
            with (self.root / found.path).open("ab") as same:
                same.write(b"more")
            yield file


@pytest.mark.parametrize("growing", [GrowsBeforeItIsRead, GrowsWhileItIsRead])
async def test_file_that_changes_is_not_stored(
    shelf: Shelf, folder: Path, growing: type[ImportFolder]
) -> None:
    (folder / "small").write_bytes(b"x")
    (folder / "large").write_bytes(large("y"))
    tally = await bring_in(shelf, growing(folder))
    assert {problem.path for problem in tally.problems} == {"small", "large"}
    assert (await stored(shelf), await shelf.lying(), await shelf.blobs.parts()) == ({}, set(), [])


async def test_full_disk_ends_the_import_and_leaves_no_part(memory_shelf: MemoryShelf, folder: Path) -> None:
    fill(folder)
    memory_shelf.blobs.fail("receive", NoSpace())
    with pytest.raises(NoSpace):
        await bring_in(memory_shelf, folder)
    assert await memory_shelf.blobs.parts() == []
    tally = await bring_in(memory_shelf, folder)
    assert tally.problems == []


async def test_many_small_files_are_all_stored(shelf: Shelf, folder: Path) -> None:
    for number in range(600):
        (folder / f"{number:04}").write_bytes(str(number).encode())
    tally = await bring_in(shelf, folder)
    assert (tally.files, await shelf.catalog.count_files()) == (600, 600)


async def test_missing_folder_is_told(shelf: Shelf, folder: Path) -> None:
    with pytest.raises(NotFound):
        await bring_in(shelf, folder / "nothing")
