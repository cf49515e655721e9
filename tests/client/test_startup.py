"""The client's start: what it imports before its first byte, and how it ends when told to."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .scripted import TOKEN, ScriptedServer

UNTIL_FIRST_BYTE = """
import sys
from fileshare.cli.client import main
from fileshare.client.channel import Channel

def tell(self, data):
    sys.stdout.write("\\n".join(sys.modules))
    sys.stdout.flush()
    import os
    os._exit(0)

Channel.send = tell
main(sys.argv[1:])
"""

HEAVY = {
    "aiohttp", "aiosqlite", "argcomplete", "asyncio", "bcrypt", "concurrent.futures", "logging", "pathlib",
    "rich", "shutil", "sqlite3", "ssl", "tempfile", "urllib.request",
}  # fmt: skip
"""Each costs 4 to 60 of the 80 ms in which the first byte is due."""


def environment(server: ScriptedServer, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FILESHARE_")}
    return {
        **kept,
        "FILESHARE_CLIENT_CONFIG_DIR": str(home / "config"),
        "FILESHARE_CLIENT_STATE_DIR": str(home / "state"),
        "FILESHARE_CLIENT_HOST": "127.0.0.1",
        "FILESHARE_CLIENT_PORT": str(server.port),
        "FILESHARE_CLIENT_TOKEN": TOKEN,
    }


@pytest.mark.parametrize("words", [["list"], ["upload", __file__], ["download", "x"]])
def test_nothing_heavy_is_imported_before_the_first_byte(
    server: ScriptedServer, tmp_path: Path, words: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_FIRST_BYTE, *words],
        env=environment(server, tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split("\n"))
    assert "msgspec" in modules
    assert modules & HEAVY == set()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_a_real_process_with_130_and_no_traceback(
    server: ScriptedServer, tmp_path: Path, times: int
) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(4_000_000))
    begun = threading.Event()
    server.faults.at_received[100_000] = begun.set
    client = subprocess.Popen(
        [sys.executable, "-m", "fileshare.cli.client", "upload", str(path), "--limit-rate", "1M"],
        env=environment(server, tmp_path),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert begun.wait(30)
    for _ in range(times):
        client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=30)
    assert client.returncode == 130
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_goes_away_is_no_traceback(server: ScriptedServer, tmp_path: Path) -> None:
    client = subprocess.Popen(
        [sys.executable, "-m", "fileshare.cli.client", "completion", "bash"],
        env=environment(server, tmp_path),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    client.stdout.close()
    assert client.stderr is not None
    err = client.stderr.read()
    client.stderr.close()
    client.wait(30)
    assert "Traceback" not in err
