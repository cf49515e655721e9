"""A peer's server: started under a supervisor, awaited, measured, stopped by its process id."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from benchmarks import processes
from benchmarks.supervisor import GRACE_SECONDS

_START_SECONDS = 30.0
_SETTLE_SECONDS = 3.0
# The supervisor kills by itself after its grace; this is for a supervisor that does not.
STOP_SECONDS = GRACE_SECONDS + 3.0
_QUIET_READINGS = 3
_PAUSE = 0.02
_ROOT = Path(__file__).resolve().parent.parent

_Found = TypeVar("_Found")


class ServerFailed(Exception):
    """A server did not come up, or ended before it was told to."""


class Server:
    """A running server; what it prints goes to its log file."""

    def __init__(self, argv: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        self._name = Path(argv[0]).name
        self._log = log
        supervised = [sys.executable, "-m", "benchmarks.supervisor", str(os.getpid()), *argv]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                supervised,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                cwd=_ROOT,  # where -m finds the supervisor
                start_new_session=True,  # Ctrl-C reaches the benchmark alone, which stops the rest in order
            )

    def await_port(self, port: int) -> None:
        """Return when something accepts on that port of the loopback."""
        self._await(lambda: _accepts(port) or None, f"accepted nothing on port {port}")

    def await_line(self, pattern: str) -> re.Match[str]:
        """Return the first match of the pattern in what the server has printed."""
        return self._await(lambda: re.search(pattern, self.output()), f"printed nothing like {pattern!r}")

    def output(self) -> str:
        """Return what the server has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def cpu_seconds(self) -> float:
        """Return the processor seconds used since the start, once the server has nothing more to do."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        last, quiet = -1.0, 0
        while quiet < _QUIET_READINGS and time.monotonic() < deadline:
            now = processes.cpu_seconds(self._process.pid)
            last, quiet = now, quiet + 1 if now == last else 0
            time.sleep(_PAUSE)
        return last

    def members(self) -> list[int]:
        """Return the ids of the server's processes, the supervisor's left out."""
        return list(processes.tree(self._process.pid))[1:]

    def stop(self) -> None:
        """End the server and everything it has started; safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                for pid in reversed(list(processes.tree(self._process.pid))):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self._process.wait()

    def _await(self, ready: Callable[[], _Found | None], complaint: str) -> _Found:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerFailed(
                    f"{self._name} ended with code {self._process.returncode}: {self.output()[-2000:]}"
                )
            if answer := ready():
                return answer
            time.sleep(_PAUSE)
        raise ServerFailed(f"{self._name} {complaint} within {_START_SECONDS:.0f} s: {self.output()[-2000:]}")


def free_port() -> int:
    """Return a port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
