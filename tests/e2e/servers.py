"""Real `fileshare serve` processes: started, killed, started again on the same folder, stopped by pid."""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

COMMANDS = Path(sys.executable).parent
START_SECONDS = 20
STOP_SECONDS = 15
"""The server promises to drain within 10 s."""

Flag = str | int | float | bool | Path


def flags(**settings: Flag) -> list[str]:
    """Settings as flags: `max_file_size=5` is `--max-file-size 5`."""
    words: list[str] = []
    for name, value in settings.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    return words


@dataclass
class Server:
    """One data folder, and the process that serves it, while there is one."""

    data_dir: Path
    settings: dict[str, Flag] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    web: str = ""
    banner: list[str] = field(default_factory=list)
    output: Path = Path()
    expect_clean: bool = True
    """Whether a traceback in what it prints fails the test."""

    def start(self) -> "Server":
        """Start the process and wait until both doors accept. Raises AssertionError with its output."""
        self.output = self.data_dir.parent / f"{self.data_dir.name}.output"
        with self.output.open("a") as errors:
            self.process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(),
                cwd=self.data_dir.parent,
            )
        assert self.process.stdout is not None
        self.banner = list(_banner(self.process.stdout, self.output))
        text = "\n".join(self.banner)
        tcp, web = re.search(r"tcp://([\d.]+):(\d+)", text), re.search(r"https?://[\d.]+:\d+", text)
        if tcp is None or web is None:
            self.kill()
            raise AssertionError(f"No banner within {START_SECONDS} s: {text}\n{self.output.read_text()}")
        self.address, self.web = (tcp[1], int(tcp[2])), web[0]
        return self

    def command(self) -> list[str]:
        """The words that start it."""
        doors: dict[str, Flag] = {"host": "127.0.0.1", "port": 0, "web_host": "127.0.0.1", "web_port": 0}
        settings = {**doors, **self.settings, "data_dir": self.data_dir}
        return [str(COMMANDS / "fileshare"), "serve", *flags(**settings)]

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def kill_if_alive(self) -> None:
        """As `kill`, at the end of whatever used it."""
        if self.alive:
            self.kill()

    def restart(self) -> "Server":
        """Start again on the same folder; another port, so connect anew."""
        assert not self.alive
        return self.start()

    def stop(self) -> int:
        """SIGTERM, wait for the drain; returns the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process = self.process
        assert process is not None
        process.send_signal(how)
        try:
            code = process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        return code

    def limit_file_size(self, count: int | None) -> None:
        """From now on no file of its may grow over `count` bytes, as on a full disk; None lifts that."""
        limit = resource.RLIM_INFINITY if count is None else count
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def resident(self) -> int:
        """The most resident memory it ever had, bytes."""
        return peak_memory(self.pid)

    def complaints(self) -> str:
        """What it printed on its error output, if that or its logs hold a traceback."""
        printed = self.output.read_text() if self.output.is_file() else ""
        for log in sorted(self.data_dir.glob("logs/*.log")):
            lines = log.read_text(errors="replace").splitlines()
            printed += "\n".join(line for line in lines if "Traceback" in line)
        return printed if "Traceback" in printed else ""

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `fileshare WORDS --data-dir …` to its end."""
        return subprocess.run(
            [str(COMMANDS / "fileshare"), *words, "--data-dir", str(self.data_dir)],
            input=stdin, capture_output=True, text=True, env=environment(), timeout=120, check=False,
        )  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """The environment for our commands: nothing of the person's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FILESHARE_", "XDG_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def peak_memory(pid: int) -> int:
    """The high-water mark of a living process's resident memory, bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _banner(stream: IO[str], errors: Path) -> "list[str]":
    """The lines of a server's banner, until it has named both doors, has ended, or takes too long."""
    lines: list[str] = []
    deadline = time.monotonic() + START_SECONDS
    os.set_blocking(stream.fileno(), False)
    text = ""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([stream], [], [], left)[0]:
            break
        piece = os.read(stream.fileno(), 65536).decode()
        text += piece
        lines = text.splitlines()
        if not piece or (re.search(r"tcp://\S+\n", text) and re.search(r"https?://\S+\n", text)):
            break
    return lines
