"""A fresh clone serves by one command, and its wheel works in an empty environment elsewhere.

Needs the network for pip, like any first installation.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.servers import environment

ROOT = Path(__file__).parent.parent.parent
DOORS = "--host 127.0.0.1 --port 0 --web-host 127.0.0.1 --web-port 0"
INSTALL_SECONDS = 600
STOP_SECONDS = 15


class Fresh(Check):
    """The issue's first and tenth points."""

    name = "fresh"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.clone = stage.folder / "clone"
        self.bin = stage.folder / "elsewhere" / "venv" / "bin"

    def run(self) -> list[Row]:
        """Clone, serve, build, install elsewhere, serve and move a file there."""
        _run("git", "clone", "--quiet", str(ROOT), str(self.clone))
        return [self._serves_by_one_command(), self._wheel_works_elsewhere()]

    def _serves_by_one_command(self) -> Row:
        self.stage.say("make serve")
        with _started("make", "serve", f"ARGS={DOORS}", cwd=self.clone) as process:
            tcp, installing = _until_banner(process)
            _stopped(process)  # make ends by the signal, whatever the service's own exit was
        last = (self.clone / "data/logs/server.log").read_text().splitlines()[-1]
        drained = json.loads(last)["message"] == "stopped"
        return Row(
            "fresh clone: make serve",
            "progress shown, doors open, Ctrl-C drains",
            f"{installing} lines while installing, port {tcp or 'NONE'}, {'drained' if drained else last}",
            bool(tcp and installing) and drained,
        )

    def _wheel_works_elsewhere(self) -> Row:
        self.stage.say("make wheel, and install it")
        _run("make", "wheel", cwd=self.clone)
        (wheel,) = self.clone.glob("dist/*.whl")
        elsewhere = self.bin.parent.parent
        elsewhere.mkdir()
        _run(sys.executable, "-m", "venv", str(self.bin.parent))
        _run(str(self.bin / "python"), "-m", "pip", "install", "--quiet", str(wheel), cwd=elsewhere)
        with _started(str(self.bin / "fileshare"), "serve", *DOORS.split(), cwd=elsewhere) as process:
            tcp, _ = _until_banner(process)
            same = bool(tcp) and self._moves_a_file(elsewhere, tcp)
            code = _stopped(process)
        return Row(
            "wheel in an empty environment: both commands",
            "a file goes up and down, exit 0",
            f"{'it does' if same else 'it DOES NOT'}, exit {code}",
            same and not code,
        )

    def _moves_a_file(self, elsewhere: Path, port: str) -> bool:
        source, target = elsewhere / "up.bin", elsewhere / "down.bin"
        source.write_bytes(self.stage.chance.randbytes(3_000_000))
        for words in (
            ["login", "admin", "admin123"],
            ["upload", source],
            ["download", "up.bin", "--output", target],
        ):
            _run(str(self.bin / "fileshare-client"), "--port", port, *map(str, words), cwd=elsewhere)
        return source.read_bytes() == target.read_bytes()


def _run(*words: str, cwd: Path | None = None) -> None:
    env = environment(HOME=str(cwd or Path.home()))
    done = subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")


def _started(*words: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        words, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def _until_banner(process: "subprocess.Popen[str]") -> tuple[str, int]:
    """The TCP port, empty if it ended before, and how many lines came ahead of the banner."""
    out: IO[str] | None = process.stdout
    assert out is not None
    ahead = 0
    port = ""
    for line in out:
        found = re.fullmatch(r"tcp://127\.0\.0\.1:(\d+)\n", line)
        port = found[1] if found else port
        ahead += not port
        if line.startswith("data folder: "):
            break
    return port, ahead


def _stopped(process: "subprocess.Popen[str]") -> int:
    """Ctrl-C: the terminal signals the whole group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    assert process.stdout is not None
    process.stdout.read()
    return process.wait(STOP_SECONDS)
