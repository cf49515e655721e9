"""The administrators' commands without a server: what they do, say and refuse.

In this process, through the command line's own entry. Beside a running server they
are tested with real processes, in tests/e2e.
"""

import asyncio
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from fileshare.admin.desk import own_caller
from fileshare.app.offline import reading, without_server
from fileshare.cli import office
from fileshare.cli.server import main
from fileshare.config import Config
from fileshare.domain.model import File
from fileshare.storage.folder import DataFolder
from tests.e2e.sources import write_tree

PASSWORD = "correct horse battery"


@dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Desk:
    """Someone at the machine whose commands work on one data folder."""

    def __init__(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.data_dir = data_dir
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *words: str | Path, stdin: str = "", expect: int = 0) -> Done:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main([*map(str, words), "--data-dir", str(self.data_dir)])
        done = Done(code, *self._capsys.readouterr())
        assert done.code == expect, done
        return done

    def refused(self, *words: str | Path, stdin: str = "") -> str:
        """Run a command that must fail with one sentence; the sentence."""
        done = self.run(*words, stdin=stdin, expect=1)
        assert (done.err.count("\n"), done.out) == (1, ""), done
        return done.err

    def add(self, name: str, *more: str) -> None:
        self.run("user", "add", name, "--password-stdin", *more, stdin=PASSWORD + "\n")

    def names(self) -> set[object]:
        return {row["name"] for row in self.run("user", "list", "--json").rows}

    def delete(self, path: str) -> None:
        """As an admin would through a door."""

        async def delete() -> None:
            with DataFolder(self.data_dir) as folder:
                async with without_server(Config(data_dir=self.data_dir), folder) as (_, services):
                    await services.files.delete(own_caller(), path)

        asyncio.run(delete())

    def stored(self) -> dict[str, str]:
        """The digest of every file's current version."""

        async def stored() -> dict[str, str]:
            async with reading(self.data_dir) as (catalog, _):
                page = await catalog.walk("", 1000)
                return {entry.path: entry.version.digest for entry in page.entries if isinstance(entry, File)}

        return asyncio.run(stored())

    def blobs(self) -> list[Path]:
        return list(self.data_dir.glob("blobs/*/*"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("FILESHARE_BCRYPT_COST", "4")
    return Desk(tmp_path / "data", monkeypatch, capsys)


@pytest.fixture
def filled(desk: Desk, tmp_path: Path) -> Desk:
    """A data folder with thirty files, small ones and blobs."""
    plain = tmp_path / "plain"
    write_tree(plain, folders=2, files=10, size=50_000)
    write_tree(plain / "small", folders=1, files=10, size=100, seed=1)
    desk.run("import", plain)
    return desk


# Accounts


def test_accounts_are_added_changed_listed_and_deleted(desk: Desk) -> None:
    desk.add("ben")
    desk.add("eve", "--role", "admin")
    desk.run("user", "role", "ben", "admin")
    desk.run("user", "disable", "eve")
    ben, eve = desk.run("user", "list", "--json").rows[1:]
    assert (ben["name"], ben["role"], ben["enabled"]) == ("ben", "admin", True)
    assert (eve["name"], eve["enabled"]) == ("eve", False)
    assert isinstance(ben["created"], float)
    lines = desk.run("user", "list").out.splitlines()
    assert [line.split()[:3] for line in lines[2:]] == [
        ["ben", "admin", "enabled"],
        ["eve", "admin", "disabled"],
    ]
    desk.run("user", "enable", "eve")
    desk.run("user", "delete", "ben")
    assert desk.names() == {"admin", "eve"}


def test_refusals_are_one_sentence(desk: Desk) -> None:
    assert "8 characters" in desk.refused("user", "add", "ben", "--password-stdin", stdin="short\n")
    assert "--password-stdin" in desk.refused("user", "add", "ben")
    assert "no account" in desk.refused("user", "disable", "nobody").lower()
    assert "admin" in desk.refused("user", "delete", "admin")


def test_first_admins_password_can_be_set_before_the_first_start(desk: Desk) -> None:
    desk.run("user", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    (row,) = desk.run("user", "list", "--json").rows
    assert row["default_password"] is False


def test_flags_may_stand_before_the_inner_command(
    desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    desk.add("ben")
    assert main(["user", "--data-dir", str(desk.data_dir), "list", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [("user", "list"), ("trash", "list"), ("trash", "empty"), ("verify",), ("export", "x"), ("backup", "x")],
)
def test_mistyped_data_folder_is_not_made(desk: Desk, words: tuple[str, ...]) -> None:
    assert "no data folder" in desk.refused(*words)
    assert not desk.data_dir.exists()


def test_another_users_data_folder_is_refused(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's files would be theirs who ran the command, and its server could not open them."""
    monkeypatch.setattr(os, "geteuid", lambda: filled.data_dir.stat().st_uid + 1)
    plain = filled.data_dir.parent / "plain"
    for words in (("verify",), ("user", "list"), ("import", plain), ("backup", plain)):
        assert "as that user" in filled.refused(*words)


def test_root_may_read_anothers_data_folder_and_leaves_no_file_in_it(
    filled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.run("backup", tmp_path / "copy")
    filled.data_dir = tmp_path / "copy"
    before = {path.name for path in filled.data_dir.iterdir()}
    monkeypatch.setattr(office, "ROOT", filled.data_dir.stat().st_uid + 1)
    monkeypatch.setattr(os, "geteuid", lambda: filled.data_dir.stat().st_uid + 1)
    filled.run("verify")
    filled.run("backup", tmp_path / "second")
    assert "as that user" in filled.refused("user", "add", "ben", "--password-stdin", stdin=PASSWORD)
    assert "as that user" in filled.refused("import", tmp_path / "plain")
    assert {path.name for path in filled.data_dir.iterdir()} == before


def test_folder_that_is_held_without_an_answer_is_told(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "PATIENCE", 0.0)
    with DataFolder(filled.data_dir):
        assert "can't be reached" in filled.refused("user", "list")
        assert "stop it first" in filled.refused("import", filled.data_dir.parent / "plain")
        assert "all whole" in filled.run("verify").out


# Trash


def test_emptied_trash_is_free_space_at_once(filled: Desk) -> None:
    filled.delete("folder000")
    (row,) = filled.run("trash", "list", "--json").rows
    assert (row["path"], row["kind"], row["size"]) == ("folder000", "folder", 5 * 50_000)
    filled.run("trash", "empty", "--older-than", "1")
    assert "folder000" in filled.run("trash", "list").out
    assert "244.1 KiB" in filled.run("trash", "empty").out
    assert len(filled.blobs()) == 5
    assert filled.run("trash", "list", "--json").rows == []


# Upkeep


def test_verify_names_what_is_damaged_and_changes_nothing(filled: Desk) -> None:
    assert "all whole" in filled.run("verify").out
    digest = filled.stored()["folder001/file00001.bin"]
    blob = filled.data_dir / "blobs" / digest[:2] / digest
    blob.chmod(0o600)
    blob.write_bytes(b"\0" + blob.read_bytes()[1:])
    broken = blob.read_bytes()
    assert "folder001/file00001.bin" in filled.run("verify", expect=5).out
    (row,) = filled.run("verify", "--json", expect=5).rows
    assert (row["damaged"], row["paths"]) == (digest, ["folder001/file00001.bin"])
    assert blob.read_bytes() == broken


def test_import_and_export_move_plain_files(desk: Desk, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    digests = write_tree(plain, folders=3, files=10, size=40_000)
    (plain / "link").symlink_to("/etc/passwd")
    done = desk.run("import", plain, "--to", "moved/in", expect=10)
    assert "link: skipped: it is a symbolic link" in done.err
    assert desk.stored() == {f"moved/in/{path}": digest for path, digest in digests.items()}
    assert "Exported 10 files" in desk.run("export", out).out
    assert {path.relative_to(plain) for path in plain.rglob("*.bin")} == {
        path.relative_to(out / "moved/in") for path in out.rglob("*.bin")
    }
    assert "10 were there already" in desk.run("export", out).out
    (plain / "link").unlink()
    assert "10 were there already" in desk.run("import", plain, "--to", "moved/in").out


def test_import_is_for_an_owner_that_exists(desk: Desk, tmp_path: Path) -> None:
    assert "nobody" in desk.refused("import", tmp_path, "--owner", "nobody")
    desk.add("ben")
    (tmp_path / "one").mkdir()
    (tmp_path / "one/file").write_bytes(b"x")
    desk.run("import", tmp_path / "one", "--owner", "ben")

    async def owner() -> str:
        async with reading(desk.data_dir) as (catalog, _):
            return (await catalog.versions("file"))[0].owner

    assert asyncio.run(owner()) == "ben"


def test_backup_is_restored_whole(filled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled.stored()
    assert "all whole" in filled.run("backup", tmp_path / "copy").out
    assert "not empty" in filled.refused("backup", tmp_path / "copy")
    assert "not empty" in filled.refused("restore-backup", tmp_path / "copy")
    original, filled.data_dir = filled.data_dir, tmp_path / "restored"
    assert "no data folder" in filled.refused("restore-backup", tmp_path / "plain")
    assert "all whole" in filled.run("restore-backup", tmp_path / "copy").out
    assert filled.stored() == before
    assert filled.names() == {"admin"}
    assert filled.data_dir != original


def test_backup_of_a_damaged_folder_says_so(filled: Desk, tmp_path: Path) -> None:
    filled.blobs()[0].unlink()
    done = filled.run("backup", tmp_path / "copy", expect=5)
    assert "DAMAGED" in done.out
