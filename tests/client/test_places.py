import os
import stat
import sys
from pathlib import Path

import pytest

from fileshare.client.places import Places, write_private


def test_folders_follow_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("USERPROFILE", "/home/anna")
    linux = Places.find({}, "linux")
    assert linux.config == os.path.join("/home/anna", ".config", "fileshare")
    assert linux.state == os.path.join("/home/anna", ".local", "state", "fileshare")
    mac = Places.find({}, "darwin")
    assert "Application Support" in mac.config
    windows = Places.find({"APPDATA": "R", "LOCALAPPDATA": "L"}, "win32")
    assert windows == Places(os.path.join("R", "fileshare"), os.path.join("L", "fileshare"))


def test_relative_xdg_folders_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert Places.find({"XDG_CONFIG_HOME": "here"}, "linux").config.startswith("/home/anna")
    assert Places.find({"XDG_CONFIG_HOME": "/x"}, "linux").config == os.path.join("/x", "fileshare")


def test_variables_override_everything() -> None:
    places = Places.find({"FILESHARE_CLIENT_CONFIG_DIR": "/c", "FILESHARE_CLIENT_STATE_DIR": "/s"})
    assert places == Places("/c", "/s")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_what_is_written_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    write_private(str(path), b"one")
    write_private(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    write_private(str(path), b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
