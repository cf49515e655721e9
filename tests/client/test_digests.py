import os
from pathlib import Path

import pytest

from fileshare.client.digests import _ENTRY, Digests

ONE, TWO = "11" * 32, "22" * 32


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was changed long ago."""
    found = tmp_path / "file"
    found.write_bytes(b"content")
    later = found.stat().st_mtime_ns + 3_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: later)
    return found


def test_a_digest_is_remembered_across_runs(path: Path, tmp_path: Path) -> None:
    Digests(str(tmp_path / "state")).keep(str(path), path.stat(), ONE)
    assert Digests(str(tmp_path / "state")).of(str(path)) == ONE


def test_a_change_of_anything_makes_it_unknown(path: Path, tmp_path: Path) -> None:
    digests = Digests(str(tmp_path / "state"))
    digests.keep(str(path), path.stat(), ONE)
    path.chmod(0o600)  # even what changes nothing but the ctime
    assert digests.of(str(path)) is None
    assert digests.of(str(tmp_path / "nothing")) is None


def test_what_changed_just_now_is_not_kept(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_then = path.stat().st_mtime_ns + 1_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: just_then)
    digests = Digests(str(tmp_path / "state"))
    digests.keep(str(path), path.stat(), ONE)
    assert digests.of(str(path)) is None


def test_what_changed_while_it_was_hashed_is_not_kept(path: Path, tmp_path: Path) -> None:
    digests = Digests(str(tmp_path / "state"))
    before = path.stat()
    os.utime(path, (1, 1))
    digests.keep(str(path), before, ONE)
    assert digests.of(str(path)) is None


def test_the_newest_digest_counts_and_a_torn_end_spoils_nothing(path: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    Digests(str(state)).keep(str(path), path.stat(), ONE)
    Digests(str(state)).keep(str(path), path.stat(), TWO)
    with (state / "digests").open("ab") as file:
        file.write(b"torn")
    again = Digests(str(state))
    assert again.of(str(path)) == TWO
    assert (state / "digests").stat().st_size == 2 * _ENTRY.size


def test_the_file_does_not_grow_for_ever(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.client.digests._MOST", 10)
    state = tmp_path / "state"
    state.mkdir()
    (state / "digests").write_bytes(bytes(_ENTRY.size * 11))
    digests = Digests(str(state))
    digests.keep(str(path), path.stat(), ONE)
    assert (state / "digests").stat().st_size == 6 * _ENTRY.size
    assert digests.of(str(path)) == ONE


def test_a_folder_that_can_not_be_written_costs_nothing_but_the_memory(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file2").touch()
    digests = Digests(str(tmp_path / "file2"))
    digests.keep(str(path), path.stat(), ONE)
