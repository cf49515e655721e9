"""The administrators' commands beside a running server, as real processes."""

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.inspection import digest_of, half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import COMMANDS, Server, environment
from tests.e2e.sources import content
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


# Accounts


def test_accounts_are_added_changed_listed_and_deleted(serve: Serve) -> None:
    server = serve()
    add_user(server, "ben")
    add_user(server, "eve", "--role", "admin")
    ok(server, "user", "role", "ben", "admin")
    ok(server, "user", "disable", "eve")
    listed = users(server)
    assert (listed["ben"]["role"], listed["eve"]["enabled"]) == ("admin", False)
    ok(server, "user", "enable", "eve")
    ok(server, "user", "passwd", "eve", "--password-stdin", stdin=PASSWORD + "!\n")
    ok(server, "user", "delete", "ben")
    assert set(users(server)) == {"admin", "eve"}
    with Version1(server.address) as talk:
        talk.log_in("eve", PASSWORD + "!")
    assert "8 characters" in refused(server, "user", "add", "ben", "--password-stdin", stdin="short\n")


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


# Trash


def test_emptied_trash_is_free_space_at_once(serve: Serve) -> None:
    server = serve()
    with Version2(server.address).log_in() as talk:
        upload(talk, "a.bin", content(4 * MIB))
        upload(talk, "b.bin", content(4 * MIB, seed=2))
        for name in ("a.bin", "b.bin"):
            assert talk.ask("DELETE", path=name)[0] == "OK"
    rows = [json.loads(line) for line in ok(server, "trash", "list", "--json").splitlines()]
    assert {(row["path"], row["size"]) for row in rows} == {("b.bin", 4 * MIB), ("a.bin", 4 * MIB)}
    ok(server, "trash", "empty")
    assert list(server.data_dir.glob("blobs/*/*")) == []
    assert ok(server, "trash", "list", "--json") == ""


def upload(talk: Version2, path: str, data: bytes) -> None:
    talk.begin(f"the-upload-of-{path.replace('.', '-')}", path)
    talk.send_data(data)
    talk.send_end(data)
    assert talk.final()[0] == "STORED"


# Upkeep


def test_verify_and_export_read_beside_the_server_and_import_does_not_write(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    with Version1(server.address).log_in() as talk:
        talk.upload("folder/good.bin", content(MIB))
        talk.upload("bad.bin", content(MIB, seed=2))
        assert "all whole" in ok(server, "verify")
        ok(server, "export", str(tmp_path / "out"))
        assert {
            path.relative_to(tmp_path / "out").as_posix(): digest_of(path)
            for path in (tmp_path / "out").rglob("*.bin")
        } == stored(server.data_dir)
        assert "stop it first" in refused(server, "import", str(tmp_path / "out"))
        digest = stored(server.data_dir)["bad.bin"]
        (server.data_dir / "blobs" / digest[:2] / digest).unlink()
        done = server.run("verify")
        assert done.returncode == 5, done
        assert "bad.bin" in done.stdout
        assert talk.ask("DOWNLOAD", filename="bad.bin")[1]["code"] == "damaged"


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
