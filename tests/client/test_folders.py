import os
import sys
from pathlib import Path

import pytest

from fileshare.client.folders import FoundFile, FoundFolder, LeftOut, walk
from fileshare.client.state import Identity


def files_of(root: Path, *, follow_links: bool = False) -> list[str]:
    found = walk(str(root), follow_links=follow_links)
    return [one.relative for one in found if isinstance(one, FoundFile)]


def left_out(root: Path, *, follow_links: bool = False) -> dict[str, LeftOut]:
    found = walk(str(root), follow_links=follow_links)
    return {os.path.basename(one.path): one for one in found if isinstance(one, LeftOut)}


def test_finds_every_file_with_its_identity(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2", "b/1", "a"):
        (tmp_path / name).write_text(name)
    assert files_of(tmp_path) == ["a", os.path.join("b", "1"), os.path.join("b", "2")]
    first = next(one for one in walk(str(tmp_path)) if isinstance(one, FoundFile))
    assert first.identity == Identity.of((tmp_path / "a").stat())


def test_tells_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    folders = {one.relative: one.empty for one in walk(str(tmp_path)) if isinstance(one, FoundFolder)}
    assert folders == {
        "": False,
        "full": False,
        "empty": False,
        os.path.join("empty", "deep"): True,
    }


def test_links_are_left_out_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dir").symlink_to(tmp_path)
    assert files_of(tmp_path) == ["file"]
    out = left_out(tmp_path)
    assert set(out) == {"link", "dir"}
    assert not out["link"].failed


def test_followed_links_do_not_go_round_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert files_of(tmp_path, follow_links=True) == [os.path.join("a", "file")]
    assert "links back" in left_out(tmp_path, follow_links=True)["up"].reason


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes among files")
def test_pipes_and_broken_links_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    out = left_out(tmp_path, follow_links=True)
    assert out["pipe"].reason == "is a pipe"
    assert out["broken"].failed


def test_a_folder_that_cannot_be_read_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "x").touch()
    real = os.scandir

    def scandir(path: str) -> "os._ScandirIterator[str]":
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files_of(tmp_path) == [os.path.join("open", "x")]
    assert left_out(tmp_path)["locked"].failed


def test_a_deep_tree_needs_no_deep_stack(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(300):
        here = here / "d"
    here.mkdir(parents=True)
    (here / "x").touch()
    assert len(files_of(tmp_path)) == 1
