"""The administrators' commands as real processes: beside a running server, and without one."""

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.inspection import digest_of, half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import COMMANDS, Server, environment
from tests.e2e.sources import content, write_file, write_tree
from tests.e2e.talk import Version1, Version2

MIB = 1 << 20
PASSWORD = "correct horse battery"


def ok(server: Server, *words: str, stdin: str = "") -> str:
    """Run a command that must succeed; what it printed."""
    done = server.run(*words, stdin=stdin)
    assert done.returncode == 0, done
    return done.stdout


def refused(server: Server, *words: str, stdin: str = "") -> str:
    """Run a command that must fail, with one sentence; the sentence."""
    done = server.run(*words, stdin=stdin)
    assert done.returncode == 1, done
    assert (done.stderr.count("\n"), done.stdout) == (1, ""), done
    return done.stderr


def add_user(server: Server, name: str = "ben", *more: str) -> None:
    ok(server, "user", "add", name, "--password-stdin", *more, stdin=PASSWORD + "\n")


def users(server: Server) -> dict[str, dict[str, object]]:
    rows = [json.loads(line) for line in ok(server, "user", "list", "--json").splitlines()]
    return {row.pop("name"): row for row in rows}


@pytest.fixture(params=["beside a server", "without a server"])
def either(request: pytest.FixtureRequest, serve: Serve) -> Server:
    """A data folder that a server is using, and one whose server has stopped."""
    server = serve()
    if request.param == "without a server":
        assert server.stop() == 0
    return server


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server running, and stopped again where it was not."""
    if server.alive:
        yield server
        return
    yield server.restart()
    assert server.stop() == 0


# Accounts


def test_accounts_are_added_changed_listed_and_deleted(either: Server) -> None:
    add_user(either, "ben")
    add_user(either, "eve", "--role", "admin")
    ok(either, "user", "role", "ben", "admin")
    ok(either, "user", "disable", "eve")
    ok(either, "user", "passwd", "ben", "--password-stdin", stdin=PASSWORD + "!\n")
    listed = users(either)
    assert (listed["ben"]["role"], listed["eve"]["enabled"]) == ("admin", False)
    assert isinstance(listed["ben"]["created"], float)
    ok(either, "user", "enable", "eve")
    ok(either, "user", "delete", "ben")
    assert set(users(either)) == {"admin", "eve"}
    assert "ben" not in ok(either, "user", "list")
    with serving(either) as server, Version1(server.address) as talk:
        talk.log_in("eve", PASSWORD)


def test_refusals_are_one_sentence(either: Server) -> None:
    assert "8 characters" in refused(either, "user", "add", "ben", "--password-stdin", stdin="short\n")
    assert "no account" in refused(either, "user", "disable", "nobody").lower()
    assert "admin" in refused(either, "user", "delete", "admin")
    assert "--password-stdin" in refused(either, "user", "add", "ben")


def test_disabled_users_connection_and_upload_end_and_keep_what_came(serve: Serve) -> None:
    server = serve()
    add_user(server)
    data = content(8 * MIB)
    with Version1(server.address).log_in("ben", PASSWORD) as idle, Version1(server.address) as busy:
        busy.log_in("ben", PASSWORD).begin("a.bin", data)
        busy.send(data[: 3 * MIB])
        wait_until("it arrived", lambda: half_done(server.data_dir)[0][2] >= 2 * MIB)
        ok(server, "user", "disable", "ben")
        assert idle.closed()
        assert busy.closed()
    with Version1(server.address) as talk:
        assert talk.ask("AUTH", username="ben", password=PASSWORD)[0] == "AUTH_FAILED"
    ok(server, "user", "enable", "ben")
    with Version1(server.address).log_in("ben", PASSWORD) as talk:
        start, told = talk.finish_upload("a.bin", data)
        assert start == 3 * MIB, "every byte that came was kept"
        assert told["filename"] == "a.bin"
    assert inspect(server.data_dir, rehash=True).clean


def test_deleted_users_uploads_go_and_its_files_stay(serve: Serve) -> None:
    server = serve()
    add_user(server)
    with Version1(server.address).log_in("ben", PASSWORD) as talk:
        talk.upload("kept.bin", content(MIB))
        talk.begin("half.bin", content(2 * MIB))
        talk.send(content(2 * MIB)[:MIB])
        wait_until("it arrived", lambda: half_done(server.data_dir)[0][2] > 0)
        ok(server, "user", "delete", "ben")
        assert talk.closed()
    wait_until("nothing is left over", lambda: inspect(server.data_dir).clean)
    assert set(stored(server.data_dir)) == {"kept.bin"}
    add_user(server)
    with Version1(server.address).log_in("ben", PASSWORD) as talk:
        status, _ = talk.ask("RESUME", filename="half.bin", file_hash="0" * 64)
        assert status == "FILE_NOT_FOUND"


def test_password_is_asked_for_twice_on_a_terminal(serve: Serve) -> None:
    server = serve()
    leader, follower = pty.openpty()
    command = [str(COMMANDS / "fileshare"), "user", "add", "ben", "--data-dir", str(server.data_dir)]
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment(), start_new_session=True
    )
    os.close(follower)
    seen = b""
    for question in (b"Password for ben: ", b"Again: "):
        while question not in seen:
            seen += os.read(leader, 1024)
        os.write(leader, PASSWORD.encode() + b"\n")
    assert process.wait(20) == 0
    os.close(leader)
    assert PASSWORD.encode() not in seen
    with Version1(server.address) as talk:
        talk.log_in("ben", PASSWORD)


def test_mistyped_data_folder_is_not_made(serve: Serve, tmp_path: Path) -> None:
    mistyped = Server(tmp_path / "mistyped")
    for words in (("user", "list"), ("trash", "list"), ("verify",), ("export", "x"), ("backup", "x")):
        assert "no data folder" in refused(mistyped, *words)
    assert not mistyped.data_dir.exists()


def test_first_admins_password_can_be_set_before_the_first_start(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    ok(Server(folder), "user", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    server = serve(data_dir=folder)
    with Version1(server.address) as talk:
        assert talk.ask("AUTH", username="admin", password="admin123")[0] == "AUTH_FAILED"
        talk.log_in("admin", PASSWORD)


# Trash


def test_emptied_trash_is_free_space_at_once(either: Server) -> None:
    with serving(either) as server, Version2(server.address).log_in() as talk:
        upload(talk, "a.bin", content(4 * MIB))
        upload(talk, "b.bin", content(4 * MIB, seed=2))
        for name in ("a.bin", "b.bin"):
            assert talk.ask("DELETE", path=name)[0] == "OK"
    rows = [json.loads(line) for line in ok(either, "trash", "list", "--json").splitlines()]
    assert {(row["path"], row["size"]) for row in rows} == {("b.bin", 4 * MIB), ("a.bin", 4 * MIB)}
    ok(either, "trash", "empty", "--older-than", "1")
    assert len(ok(either, "trash", "list").splitlines()) == 3
    ok(either, "trash", "empty")
    assert list(either.data_dir.glob("blobs/*/*")) == []
    assert len(ok(either, "trash", "list").splitlines()) == 1


def upload(talk: Version2, path: str, data: bytes) -> None:
    talk.begin(f"the-upload-of-{path.replace('.', '-')}", path)
    talk.send_data(data)
    talk.send_end(data)
    assert talk.final()[0] == "STORED"


# Upkeep


def test_verify_names_what_is_damaged_and_changes_nothing(either: Server) -> None:
    with serving(either) as server, Version1(server.address).log_in() as talk:
        talk.upload("good.bin", content(MIB))
        talk.upload("bad.bin", content(MIB, seed=2))
    assert "all whole" in ok(either, "verify")
    digest = stored(either.data_dir)["bad.bin"]
    blob = either.data_dir / "blobs" / digest[:2] / digest
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0flipped")
    broken = digest_of(blob)
    done = either.run("verify", "--json")
    assert done.returncode == 5, done
    (row,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (row["damaged"], row["paths"]) == (digest, ["bad.bin"])
    assert either.run("verify").returncode == 5
    assert digest_of(blob) == broken


def test_export_and_import_move_plain_files(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    digests = write_tree(tmp_path / "plain", folders=3, files=30, size=40_000)
    (tmp_path / "plain/empty").mkdir()
    os.utime(tmp_path / "plain/folder000/file00000.bin", (1_500_000_000, 1_500_000_000))
    (tmp_path / "plain/link").symlink_to("/etc/passwd")
    assert "stop it first" in refused(server, "import", str(tmp_path / "plain"))
    assert server.stop() == 0
    done = server.run("import", str(tmp_path / "plain"), "--to", "moved/in", "--owner", "admin")
    assert (done.returncode, "link" in done.stderr) == (10, True), done
    assert stored(server.data_dir) == {f"moved/in/{path}": digest for path, digest in digests.items()}
    server.restart()
    out = tmp_path / "out"
    ok(server, "export", str(out))
    exported = {path.relative_to(out).as_posix(): digest_of(path) for path in out.rglob("*.bin")}
    assert exported == stored(server.data_dir)
    assert (out / "moved/in/empty").is_dir()
    assert (out / "moved/in/folder000/file00000.bin").stat().st_mtime == 1_500_000_000
    assert "30 were there already" in ok(server, "export", str(out))


def test_import_for_nobody_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    server.stop()
    (tmp_path / "plain").mkdir()
    assert "nobody" in refused(server, "import", str(tmp_path / "plain"), "--owner", "nobody")


def test_backup_under_load_is_whole_and_its_uploads_resume(serve: Serve, tmp_path: Path) -> None:
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    done, half = content(5 * MIB), content(9 * MIB, seed=3)
    with Version1(server.address) as talk, Version1(server.address) as slow:
        talk.upload("done.bin", done)
        slow.begin("half.bin", half)
        slow.send(half[: 6 * MIB])
        wait_until("some of it is durable", lambda: half_done(server.data_dir)[0][1] >= MIB)
        acknowledged = half_done(server.data_dir)[0][1]
        assert "all whole" in ok(server, "backup", str(tmp_path / "copy"))
        slow.send(half[6 * MIB :])
        assert slow.stored()["filename"] == "half.bin"
    assert "not empty" in refused(server, "backup", str(tmp_path / "copy"))
    assert server.stop() == 0
    assert not inspect(tmp_path / "copy", rehash=True).lost
    restored = Server(tmp_path / "restored")
    ok(restored, "restore-backup", str(tmp_path / "copy"))
    shutil.rmtree(tmp_path / "copy")
    again = serve(data_dir=tmp_path / "restored", require_auth=False)
    with Version1(again.address) as talk:
        assert talk.download("done.bin") == done
        start, told = talk.finish_upload("half.bin", half)
        assert start >= acknowledged
        assert told["filename"] == "half.bin"
    assert inspect(again.data_dir, rehash=True).clean


def test_restoring_over_something_is_refused(either: Server, tmp_path: Path) -> None:
    ok(either, "backup", str(tmp_path / "copy"))
    assert "not empty" in refused(either, "restore-backup", str(tmp_path / "copy"))
    write_file(tmp_path / "no backup/file", 10)
    assert "no data folder" in refused(
        Server(tmp_path / "new"), "restore-backup", str(tmp_path / "no backup")
    )
