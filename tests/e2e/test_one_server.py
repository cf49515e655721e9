"""One data folder has one server; starting, stopping and failing to start are said in one sentence."""

import json
import socket
import subprocess
import urllib.request
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.servers import COMMANDS, Server, environment, flags
from tests.e2e.talk import Version1


def try_to_serve(data_dir: Path, **settings: str | int) -> "subprocess.CompletedProcess[str]":
    """A server that should not come up."""
    doors: dict[str, str | int | float | bool | Path] = {
        "host": "127.0.0.1", "port": 0, "web_host": "127.0.0.1", "web_port": 0, "data_dir": data_dir
    }  # fmt: skip
    return subprocess.run(
        [str(COMMANDS / "fileshare"), "serve", *flags(**{**doors, **settings})],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
        check=False,
        cwd=data_dir.parent,
    )


def assert_one_sentence(failed: "subprocess.CompletedProcess[str]") -> None:
    assert failed.returncode == 1
    said = (failed.stderr + failed.stdout).strip()
    assert said, "it ended without a word"
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 3, said


def test_second_server_on_one_data_folder_refuses_and_the_first_goes_on(server: Server) -> None:
    assert_one_sentence(try_to_serve(server.data_dir))
    with Version1(server.address).log_in() as talk:
        assert talk.upload("a.txt", b"still here")["filename"] == "a.txt"


def test_a_killed_server_leaves_no_lock_behind(serve: Serve) -> None:
    server = serve()
    server.kill()
    server.restart()
    with Version1(server.address).log_in() as talk:
        assert talk.names() == []


def test_a_taken_port_is_said_in_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert_one_sentence(try_to_serve(tmp_path / "other" / "data", port=server.address[1]))


def test_a_newer_data_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    import sqlite3

    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with sqlite3.connect(data_dir / "fileshare.db") as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    assert_one_sentence(try_to_serve(data_dir))


def test_banner_names_both_doors_and_both_answer(server: Server) -> None:
    with urllib.request.urlopen(f"{server.web}/healthz", timeout=10) as answer:
        assert json.load(answer)["status"] == "ok"
    with socket.create_connection(server.address, timeout=10):
        pass


def test_a_server_that_is_asked_to_stop_ends_with_0(serve: Serve) -> None:
    assert serve().stop() == 0
