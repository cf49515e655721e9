"""From memory to the disk: what is told is durable, and what is not leaves nothing under a name."""

import errno
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fileshare.client import syncing
from fileshare.client.downloads import Wanted
from fileshare.client.landing import Arrived, Landing, sweep
from fileshare.client.local_folders import LocalFolders
from fileshare.client.reports import Outcome
from fileshare.client.syncing import FileSystem
from fileshare.errors import Conflict, DigestMismatch, StorageFailed


def arrived(folder: Path, name: str, content: bytes = b"content", *, replace: bool = False) -> Arrived:
    digest = hashlib.sha256(content).hexdigest()
    target = str(folder / name)
    wanted = Wanted(path=name, target=target, size=len(content), digest=digest, modified=1e9, replace=replace)
    outcome = Outcome(path=name, local=target, size=len(content), digest=digest, version=1)
    return Arrived(wanted, outcome, 1e9, content)


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[Landing]:
    made = Landing(str(tmp_path), "job")
    yield made
    made.close()


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def below(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


class Steps:
    """Remembers the order in which bytes, names and folders became durable."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.steps: list[tuple[str, set[str]]] = []
        self.error: OSError | None = None
        self._folder = folder
        monkeypatch.setattr(FileSystem, "sync", self._sync)
        monkeypatch.setattr(FileSystem, "sync_names", self._sync_names)

    def _sync(self, files: Sequence[str]) -> None:
        assert all(os.path.exists(file) for file in files)
        self._note("bytes")

    def _sync_names(self, folders: set[str]) -> None:
        self._note(f"names in {sorted(os.path.relpath(one, self._folder) for one in folders)}")

    def _note(self, step: str) -> None:
        self.steps.append((step, {*visible(self._folder), *below(self._folder / "new")}))
        if self.error is not None:
            raise self.error


def test_bytes_are_durable_before_names_and_names_before_anybody_is_told(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, tmp_path)
    landing.take([arrived(tmp_path, "a"), arrived(tmp_path, "b")])
    landing.drain()
    assert steps.steps == [("bytes", set()), ("names in ['.']", {"a", "b"})]
    assert [wanted.path for wanted, _ in landing.landed()] == ["a", "b"]
    assert (tmp_path / "a").stat().st_mtime == 1e9


@pytest.mark.parametrize("count", [2, 100])
def test_files_land_by_each_way_to_sync(landing: Landing, tmp_path: Path, count: int) -> None:
    landing.take([arrived(tmp_path, str(number), bytes([number])) for number in range(count)])
    landing.drain()
    assert visible(tmp_path) == {str(number) for number in range(count)}
    assert all((tmp_path / str(number)).read_bytes() == bytes([number]) for number in range(count))


def test_a_disk_that_can_not_sync_leaves_no_names_and_nobody_is_told_that_it_is_done(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, tmp_path)
    steps.error = OSError(errno.EIO, "bad disk")
    landing.take([arrived(tmp_path, "a")])
    landing.drain()
    assert [type(error) for _, error in landing.landed()] == [StorageFailed]
    assert visible(tmp_path) == set()


def test_wrong_bytes_never_touch_the_disk(landing: Landing, tmp_path: Path) -> None:
    wrong = arrived(tmp_path, "a")
    landing.take([Arrived(wrong.wanted, wrong.outcome, 1e9, b"other"), arrived(tmp_path, "b")])
    landing.drain()
    assert sorted(type(result).__name__ for _, result in landing.landed()) == ["DigestMismatch", "Outcome"]
    assert visible(tmp_path) == {"b"}
    assert DigestMismatch.code == "digest_mismatch"


def test_a_file_that_came_into_being_meanwhile_is_not_replaced(landing: Landing, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "b").write_bytes(b"mine")
    landing.take([arrived(tmp_path, "a"), arrived(tmp_path, "b", replace=True)])
    landing.drain()
    results = {wanted.path: result for wanted, result in landing.landed()}
    assert isinstance(results["a"], Conflict)
    assert isinstance(results["b"], Outcome)
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert (tmp_path / "b").read_bytes() == b"content"


def test_files_land_without_being_asked_to_after_a_while(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.client.landing._LONGEST_WAIT", 0.0)
    landing.take([arrived(tmp_path, "a")])
    while not (told := landing.landed()):
        pass
    assert isinstance(told[0][1], Outcome)


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    landing = Landing(str(tmp_path), "job")
    landing.take([arrived(tmp_path, "a")])
    landing.close()
    landing.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_run_left_goes_with_the_next_one_of_that_job(tmp_path: Path) -> None:
    for job in ("this", "other"):
        killed = Landing(str(tmp_path), job)
        os.makedirs(f"{killed._stage}/0")
        for left in ("0/file", "1"):
            Path(killed._stage, left).write_bytes(b"half")
    sweep(str(tmp_path), "this")
    sweep(str(tmp_path / "none"), "this")
    assert [path.name.split("-")[1] for path in tmp_path.iterdir()] == ["other"]


def test_a_file_lands_where_something_else_is_mounted(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: str, target: str, *, follow_symlinks: bool = True) -> None:
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, "other device")
        real(source, target, follow_symlinks=follow_symlinks)

    def rename(source: str, target: str) -> None:
        raise OSError(errno.EXDEV, "other device")

    monkeypatch.setattr(syncing, "_renameat2", lambda: None)
    monkeypatch.setattr("fileshare.client.parts.os.link", link)
    monkeypatch.setattr("fileshare.client.parts.os.rename", rename)
    (tmp_path / "there").write_bytes(b"mine")
    landing.take([arrived(tmp_path, "a"), arrived(tmp_path, "there")])
    landing.drain()
    assert [type(result).__name__ for _, result in landing.landed()] == ["Outcome", "Conflict"]
    assert (tmp_path / "a").read_bytes() == b"content"
    assert (tmp_path / "a").stat().st_mtime == 1e9
    assert visible(tmp_path) == {"a", "there"}


@pytest.mark.skipif(sys.platform != "linux", reason="a call of Linux")
def test_a_rename_in_one_call_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "part\udcff").write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"mine")
    system = syncing.FileSystem(str(tmp_path))
    with pytest.raises(FileExistsError):
        system.rename(str(tmp_path / "part\udcff"), str(tmp_path / "there"))
    assert not system.rename(str(tmp_path / "part\udcff"), str(tmp_path / "no folder" / "a"))
    assert not system.rename(str(tmp_path / "part\udcff"), "/proc/part")
    assert system.rename(str(tmp_path / "part\udcff"), str(tmp_path / "a"))
    system.close()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "there").read_bytes() == b"mine"


def test_a_new_folder_is_made_durable_even_without_files(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, tmp_path)
    folders = LocalFolders(landing.made)
    folders.make(str(tmp_path / "new" / "deep"))
    folders.make(str(tmp_path / "new" / "deep"))
    landing.drain()
    assert steps.steps[-1] == ("names in ['.', 'new']", {"new", "deep"})
    assert folders.is_new(str(tmp_path / "new"))


def test_what_comes_first_into_a_new_folder_gets_its_names_by_one_rename(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, alone = Steps(monkeypatch, tmp_path), []
    real = FileSystem.rename

    def rename(system: FileSystem, path: str, target: str) -> bool:
        alone.append(os.path.basename(target))
        return real(system, path, target)

    monkeypatch.setattr(FileSystem, "rename", rename)
    new = tmp_path / "new"
    LocalFolders(landing.made).make(str(new))
    landing.take([arrived(new, "a"), arrived(tmp_path, "top"), arrived(new, "b")])
    landing.drain()
    assert steps.steps == [("bytes", {"new"}), ("names in ['.', 'new']", {"new", "top", "a", "b"})]
    assert alone == ["top"]
    landing.take([arrived(new, "c")])
    landing.drain()
    assert alone == ["top", "c"]
    assert below(new) == {"a", "b", "c"}
    assert [type(result) for _, result in landing.landed()] == [Outcome] * 4


def test_files_come_one_by_one_into_a_folder_that_is_no_longer_empty(
    landing: Landing, tmp_path: Path
) -> None:
    new, gone = tmp_path / "new", tmp_path / "gone"
    folders = LocalFolders(landing.made)
    folders.make(str(new))
    folders.make(str(gone))
    gone.rmdir()
    (new / "a").write_bytes(b"mine")
    landing.take([arrived(new, "a"), arrived(new, "b"), arrived(gone, "a")])
    landing.drain()
    assert [type(result) for _, result in landing.landed()] == [Conflict, Outcome, Outcome]
    assert (new / "a").read_bytes() == b"mine"
    assert below(new) == {"a", "b"}
    assert below(gone) == {"a"}
    landing.close()
    assert visible(tmp_path) == {"new", "gone"} == {path.name for path in tmp_path.iterdir()}


def test_two_names_that_are_one_on_this_disk_are_told_as_a_conflict(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    LocalFolders(landing.made).make(str(new))
    landing.take([arrived(new, "a"), arrived(new, "a", b"other")])  # as "a" and "A" are elsewhere
    landing.drain()
    assert [type(result) for _, result in landing.landed()] == [Outcome, Conflict]
    assert (new / "a").read_bytes() == b"content"


@pytest.mark.parametrize("system", ["win32", sys.platform])
def test_a_folder_takes_the_place_of_an_empty_one_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    for name in ("one", "empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "file").write_bytes(b"")
    (tmp_path / "full" / "mine").write_bytes(b"")
    (tmp_path / "link").symlink_to("empty")
    files = FileSystem(str(tmp_path))
    monkeypatch.setattr("fileshare.client.syncing.sys.platform", system)
    assert not files.rename_folder(str(tmp_path / "one"), str(tmp_path / "full"))
    assert not files.rename_folder(str(tmp_path / "one"), str(tmp_path / "link"))
    assert files.rename_folder(str(tmp_path / "one"), str(tmp_path / "empty")) == (system != "win32")
    files.close()
    assert below(tmp_path / "full") == {"mine"}


def test_a_folder_that_was_there_is_not_new(landing: Landing, tmp_path: Path) -> None:
    folders = LocalFolders(landing.made)
    folders.make(str(tmp_path))
    assert not folders.is_new(str(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        folders.make(str(tmp_path / "file"))


# Syncing


@pytest.mark.parametrize("release", ["4.19.0-5-amd64", "5.7", "5.8.1+", "6.18.44-x", "odd"])
def test_only_a_kernel_that_tells_errors_is_asked_to_sync_all(
    release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.uname()
    monkeypatch.setattr(
        "fileshare.client.syncing.os.uname",
        lambda: os.uname_result((real[0], real[1], release, real[3], real[4])),
    )
    assert (syncing._syncfs() is not None) == (release[:1] in "56" and release != "5.7")


def test_where_there_is_no_such_call_each_file_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "_syncfs", lambda: None)
    synced: list[int] = []
    monkeypatch.setattr("fileshare.client.syncing.os.fsync", synced.append)
    files = [tmp_path / str(number) for number in range(50)]
    for file in files:
        file.write_bytes(b"x")
    system = FileSystem(str(tmp_path))
    system.sync([str(file) for file in files])
    system.sync_names([str(tmp_path)] * 3)
    system.close()
    assert len(synced) == 51


def test_an_error_of_one_sync_is_told_after_all_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "_syncfs", lambda: None)
    for number in range(9):
        (tmp_path / str(number)).write_bytes(b"x")
    system = FileSystem(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        system.sync([str(tmp_path / str(number)) for number in range(10)])
    system.close()


def test_an_error_of_syncing_all_is_told(tmp_path: Path) -> None:
    system = FileSystem(str(tmp_path))
    if system._syncfs is None:
        pytest.skip("there is no such call here")
    system.close()
    with pytest.raises(OSError):
        system.sync(["x"] * 100)
