"""Every command of `fileshare-client`, run in this process against the scripted server."""

import hashlib
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from fileshare.cli.client_parser import COMMANDS, parser_for
from fileshare.errors import Forbidden, NoSpace, Superseded

from .scripted import PASSWORD, TOKEN, Half, ScriptedServer, Stored
from .typed import Ended, Run


def test_login_keeps_a_token_and_not_the_password(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FILESHARE_CLIENT_TOKEN")
    assert run("whoami").code == 3
    assert run("login", "anna", "wrong").code == 3
    done = run("login", "anna", PASSWORD)
    assert done.code == 0
    assert "anna" in done.out
    assert run("whoami").code == 0
    kept = b"".join(path.read_bytes() for path in (tmp_path / "config").rglob("*") if path.is_file())
    assert TOKEN.encode() in kept
    assert PASSWORD.encode() not in kept
    assert run("logout").code == 0
    assert run("whoami").code == 3
    assert run("logout").code == 3


def test_the_password_may_come_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert run("login", "anna", "--password-stdin").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("login", "anna", "--password-stdin").code == 2
    assert run("login", "anna", "word", "--password-stdin").code == 2


def test_the_password_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD)
    assert run("login", "anna").code == 0

    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    ended = run("login", "anna")
    assert ended.code == 2
    assert "--password-stdin" in ended.err


def test_list_tells_names_sizes_times_and_digests(run: Run, server: ScriptedServer) -> None:
    server.files = {f"docs/{number}.txt": Stored(b"x" * number) for number in range(7)}
    top = run("list")
    assert top.out.rstrip().endswith("docs/")
    below = run("list", "docs/")
    assert below.out.count("\n") == 7
    assert server.files["docs/3.txt"].digest in below.out
    assert run("list", "--recursive").out.count("\n") == 8
    assert run("list", "docs/3.txt").out.count("\n") == 1
    assert run("list", "nothing").code == 4
    events = run("--json", "list", "docs").events
    assert {event["event"] for event in events} == {"file"}
    assert events[3]["sha256"] == server.files["docs/3.txt"].digest


def test_info_versions_restore_move_mkdir_delete(run: Run, server: ScriptedServer) -> None:
    server.files["a.txt"] = Stored(b"abc")
    assert server.files["a.txt"].digest in run("info", "a.txt").out
    assert "anna" in run("versions", "a.txt").out
    assert run("restore", "a.txt", "--version", "1").code == 0
    assert run("mkdir", "new/folder", "other").code == 0
    assert run("move", "a.txt", "new/").code == 0
    assert "new/a.txt" in server.files
    assert run("--json", "move", "new/a.txt", "b.txt").event("file")["path"] == "b.txt"
    assert run("delete", "b.txt").code == 0
    assert run("delete", "b.txt").code == 4
    server.files["b.txt"] = Stored(b"abc")
    some = run("delete", "b.txt", "nothing", "--forever")
    assert some.code == 10
    assert "nothing" in some.err


def test_what_changes_something_is_not_asked_twice(run: Run, server: ScriptedServer) -> None:
    server.files["a.txt"] = Stored(b"abc")
    server.faults.refuse["DELETE"] = Forbidden()
    assert run("delete", "a.txt").code == 8
    assert len([request for request in server.requests if request.command == "DELETE"]) == 1


def test_upload_and_download_a_file(run: Run, server: ScriptedServer) -> None:
    Path("a.txt").write_text("hello")
    assert "stored a.txt" in run("upload", "a.txt").out
    assert "stored a_v2.txt" in run("upload", "a.txt").out
    assert "version 2" in run("upload", "a.txt", "--overwrite").out
    assert run("upload", "a.txt", "--to", "x/y", "--name", "b.txt").code == 0
    assert "x/y/b.txt" in server.files
    there = run("download", "a.txt")
    assert there.code == 0
    assert "already there" in there.out
    Path("a.txt").write_text("mine")
    refused = run("download", "a.txt")
    assert refused.code == 9
    assert Path("a.txt").read_text() == "mine"
    assert run("download", "a.txt", "--overwrite").code == 0
    assert Path("a.txt").read_text() == "hello"
    assert run("download", "a.txt", "--output", "new.txt").code == 0
    assert Path("new.txt").read_text() == "hello"
    assert run("download", "a.txt", "--output", "folder/").code == 0
    assert Path("folder/a.txt").read_text() == "hello"


def test_downloads_go_where_the_setting_says(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FILESHARE_CLIENT_DOWNLOAD_DIR", str(tmp_path / "down"))
    server.files["d/a.txt"] = Stored(b"abc")
    assert run("download", "d/a.txt").code == 0
    assert (tmp_path / "down" / "a.txt").read_bytes() == b"abc"


def test_folders_need_recursive_and_round_trip(run: Run, server: ScriptedServer) -> None:
    Path("tree/deep/empty").mkdir(parents=True)
    Path("tree/deep/a.txt").write_text("a")
    Path("tree/b.txt").write_text("b")
    assert run("upload", "tree").code == 2
    assert run("upload", "tree", "--recursive").code == 0
    assert run("download", "tree").code == 2
    assert run("download", "tree", "-r", "-o", "back").code == 0
    assert Path("back/tree/deep/a.txt").read_text() == "a"
    assert Path("back/tree/deep/empty").is_dir()
    assert run("check", "tree", "tree").code == 0
    Path("tree/b.txt").write_text("other")
    assert run("check", "tree", "tree").code == 10
    assert run("check", "tree/b.txt", "tree/b.txt").code == 5
    assert run("check", "tree/deep/a.txt", "tree/deep").code == 0
    assert run("check", "nothing", "tree").code == 4


def test_events_of_an_upload(run: Run, server: ScriptedServer) -> None:
    Path("a.txt").write_text("hello")
    ended = run("upload", "a.txt", "--json")
    assert ended.err == ""
    done = ended.event("done")
    assert done["path"] == "a.txt"
    assert done["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert (done["size"], done["version"], done["bytes_sent"], done["resumed_from"]) == (5, 1, 5, 0)
    assert ended.event("summary")["files"] == 1
    failed = run("upload", "missing", "--json")
    assert failed.code == 4
    assert failed.event("error")["code"] == "not_found"


def test_quiet_prints_nothing(run: Run) -> None:
    Path("a.txt").write_text("hello")
    ended = run("--quiet", "upload", "a.txt")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_standard_input_and_output(run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(b"from a program")

    monkeypatch.setattr(sys, "stdin", Piped())
    assert run("upload", "-").code == 2
    assert run("upload", "-", "--name", "p.txt", "--on-conflict", "skip-same").code == 2
    assert run("upload", "-", "--name", "p.txt", "--to", "x").code == 0
    assert server.files["x/p.txt"].content == b"from a program"
    assert run("download", "x/p.txt", "--output", "-", "--quiet").out == "from a program"
    assert run("download", "x/p.txt", "--output", "-", "--json").code == 2
    assert run("download", "x", "--output", "-").code == 2


def test_one_that_fails_of_several_is_named_and_the_others_come(run: Run, server: ScriptedServer) -> None:
    server.files["a.txt"] = Stored(b"a")
    ended = run("download", "a.txt", "nothing")
    assert ended.code == 10
    assert "nothing" in ended.err
    assert Path("a.txt").read_bytes() == b"a"
    assert run("download", "nothing").code == 4


def test_a_rehearsal_moves_nothing(run: Run, server: ScriptedServer, tmp_path: Path) -> None:
    Path("a.txt").write_text("a")
    assert "would upload" in run("upload", "a.txt", "--dry-run").out
    assert server.files == {}
    server.files["b.txt"] = Stored(b"b")
    assert "would fetch" in run("download", "b.txt", "--dry-run").out
    assert not Path("b.txt").exists()
    assert not (tmp_path / "state" / "jobs").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(Forbidden(), 8), (NoSpace(), 7), (Superseded(), 9)], ids=["role", "full", "taken"]
)
def test_refusals_have_their_exit_codes(run: Run, server: ScriptedServer, error: Any, code: int) -> None:
    Path("a.bin").write_bytes(bytes(200_000))
    server.faults.refuse_body_at[100] = error
    ended = run("upload", "a.bin")
    assert ended.code == code
    assert error.message in ended.err


def test_an_unreachable_server_is_6(run: Run, server: ScriptedServer) -> None:
    server.close()
    ended = run("list")
    assert ended.code == 6
    assert ended.err.startswith("fileshare-client: Can't connect")


def leave_half(run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, *words: str) -> Ended:
    """Interrupt a command by a line that does not come back in time."""
    monkeypatch.setenv("FILESHARE_CLIENT_RETRY_SECONDS", "0")
    server.faults.cut_after_received = [1_000_000]
    server.faults.cut_after_sent = [1_000_000]
    ended = run(*words)
    server.faults.cut_after_received, server.faults.cut_after_sent = [], []
    monkeypatch.setenv("FILESHARE_CLIENT_RETRY_SECONDS", "10")
    return ended


def test_resume_finishes_everything_that_is_half_done(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    Path("up.bin").write_bytes(content)
    server.files["down.bin"] = Stored(content)
    first = leave_half(run, server, monkeypatch, "upload", "up.bin")
    assert first.code == 6
    assert "To go on: fileshare-client resume" in first.out
    assert leave_half(run, server, monkeypatch, "download", "down.bin", "-o", "d/").code == 6
    listed = run("resume", "--dry-run")
    assert "up.bin" in listed.out
    assert "down.bin" in listed.out
    ended = run("resume", "--json")
    assert ended.code == 0
    done = [event for event in ended.events if event["event"] == "done"]
    assert done[0]["resumed_from"] >= 1_000_000
    assert done[1]["resumed_from"] > 0
    assert server.files["up.bin"].content == content
    assert Path("d/down.bin").read_bytes() == content
    assert "Nothing" in run("resume").out


def test_the_same_command_goes_on_as_well(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3_000_000)
    Path("up.bin").write_bytes(content)
    leave_half(run, server, monkeypatch, "upload", "up.bin")
    assert run("upload", "up.bin", "--json").event("done")["resumed_from"] >= 1_000_000
    server.files["down.bin"] = Stored(content)
    leave_half(run, server, monkeypatch, "download", "down.bin")
    assert run("download", "down.bin", "--resume", "--json").event("done")["resumed_from"] > 0
    assert Path("down.bin").read_bytes() == content


def test_resume_of_one_leaves_the_others(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.bin", "b.bin"):
        Path(name).write_bytes(os.urandom(3_000_000))
        leave_half(run, server, monkeypatch, "upload", name)
    assert run("resume", "b.bin").code == 0
    assert "b.bin" in server.files
    assert "a.bin" not in server.files
    assert run("resume", "c.bin").code == 4
    assert run("resume", "a.bin", "--forget").code == 0
    assert "Nothing" in run("resume").out
    assert "a.bin" not in server.files


def test_resume_without_saved_state_asks_the_server(run: Run, server: ScriptedServer) -> None:
    content = os.urandom(2_000_000)
    Path("a.bin").write_bytes(content)
    server.halves["b" * 32] = Half("a.bin", "keep-both", 2_000_000, bytearray(content[:1_500_000]))
    done = run("resume", "a.bin", "--json").event("done")
    assert done["resumed_from"] == 1_500_000
    assert server.files["a.bin"].content == content


def test_ctrl_c_leaves_a_resumable_state_and_says_how_to_go_on(run: Run, server: ScriptedServer) -> None:
    content = os.urandom(3_000_000)
    Path("up.bin").write_bytes(content)

    server.faults.at_received[1_000_000] = lambda: os.kill(os.getpid(), signal.SIGINT)
    ended = run("upload", "up.bin", "--limit-rate", "8M")
    assert ended.code == 130
    assert "Interrupted. To go on: fileshare-client resume" in ended.err
    assert run("resume", "up.bin").code == 0
    assert server.files["up.bin"].content == content


def test_an_interrupted_pipe_leaves_nothing_on_the_server(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Piped:
        buffer = io.BytesIO(os.urandom(4_000_000))

    monkeypatch.setattr(sys, "stdin", Piped())
    server.faults.at_received[500_000] = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert run("upload", "-", "--name", "p.bin", "--limit-rate", "8M").code == 130
    assert server.halves == {}
    assert server.files == {}


def test_what_happened_stands_in_the_log(run: Run, server: ScriptedServer, tmp_path: Path) -> None:
    Path("a.bin").write_bytes(os.urandom(2_000_000))
    server.faults.cut_after_received = [500_000]
    run("upload", "a.bin")
    lines = [json.loads(line) for line in (tmp_path / "state" / "client.log").read_text().splitlines()]
    assert [line["level"] for line in lines] == ["warning", "info", "info"]
    assert TOKEN not in json.dumps(lines)


def test_a_log_that_cannot_be_written_stops_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    server.files["nothing"] = Stored(b"")
    (tmp_path / "file").touch()
    monkeypatch.setenv("FILESHARE_CLIENT_STATE_DIR", str(tmp_path / "file"))
    ended = run("info", "missing")
    assert ended.code == 4
    assert "Traceback" not in ended.err


def test_a_state_folder_that_cannot_be_written_is_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.txt").touch()
    (tmp_path / "file").touch()
    monkeypatch.setenv("FILESHARE_CLIENT_STATE_DIR", str(tmp_path / "file" / "below"))
    ended = run("upload", "a.txt")
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert str(tmp_path / "file") in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["upload", "a.txt", "--overwrite", "--on-conflict", "keep-both"],
        ["upload", "a.txt", "b.txt", "--name", "x"],
        ["upload", "a.txt", "--name", "x/y"],
        ["upload", "a.txt", "--limit-rate", "fast"],
        ["upload", "a.txt", "--jobs", "0"],
        ["upload", "a.txt", "--to", "../up"],
        ["upload"],
        ["nonsense"],
        [],
        ["list", "--port", "0"],
        ["restore", "x", "--version", "0"],
        ["info", "a//b"],
        ["completion", "tcsh"],
    ],
)
def test_usage_errors_are_2(run: Run, words: list[str]) -> None:
    Path("a.txt").touch()
    Path("b.txt").touch()
    ended = run(*words)
    assert ended.code == 2
    assert ended.err
    assert "Traceback" not in ended.err


def test_json_usage_errors_are_events(run: Run) -> None:
    assert run("--json", "info", "a//b").event("error")["code"] == "bad_name"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_tells_about_itself(run: Run, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert "--json" in ended.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_completion_script(run: Run, shell: str) -> None:
    ended = run("completion", shell)
    assert ended.code == 0
    assert "fileshare-client" in ended.out
    assert "\n" in ended.out


def test_paths_on_the_server_are_completed(run: Run, server: ScriptedServer) -> None:
    from fileshare.cli.completion import remote_paths

    server.files = {"docs/a.txt": Stored(b""), "docs/b.txt": Stored(b""), "dx": Stored(b"")}
    args = parser_for([]).parse_args(["list"])
    assert remote_paths("d", args) == ["docs/", "dx"]
    assert remote_paths("docs/a", args) == ["docs/a.txt"]
    server.close()
    assert remote_paths("d", args) == []


def test_events_of_small_files_are_the_same_by_get_and_by_download(server: ScriptedServer, run: Run) -> None:
    server.files = {f"docs/{number}": Stored(bytes([number]) * number) for number in range(40)}
    told: list[list[dict[str, Any]]] = []
    for features in (["get"], []):
        server.features = features
        events = run("download", "docs", "--recursive", "--json", "--output", f"{len(told)}/").events
        for event in events:
            event.pop("seconds", None)
            event.pop("local", None)
        told.append(sorted(events, key=json.dumps))
    assert told[0] == told[1]
    assert [event["event"] for event in told[0]].count("start") == 40
    assert [event["event"] for event in told[0]].count("done") == 40
    assert {request.command for request in server.requests} >= {"GET", "DOWNLOAD"}
