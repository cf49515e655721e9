"""Servers under their supervisor: measured whole, ended whole."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.server import Server, ServerFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")

Start = Callable[..., Server]

# A process whose middle parent is gone, as daemons make them.
ORPHAN = "(sleep 600 & echo $! >orphan) ; echo ready; exec sleep 600"
BURN = "import os, time\nif os.fork() == 0:\n    while time.process_time() < 0.2: pass\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def start(*argv: str) -> Server:
        servers.append(Server(argv, tmp_path / "log", {"PATH": os.environ["PATH"]}))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_stopping_ends_orphans_too(start: Start, tmp_path: Path) -> None:
    server = start("sh", "-c", f"cd {tmp_path}; {ORPHAN}")
    server.await_line("ready")
    members = server.members()
    orphan = int((tmp_path / "orphan").read_text())
    assert orphan in members

    server.stop()

    assert not any(_is_alive(pid) for pid in members)


def test_stopping_kills_what_does_not_listen(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
    server.await_line("ready")
    monkeypatch.setattr("benchmarks.server.STOP_SECONDS", 0.2)

    server.stop()

    assert server.members() == []


def test_processor_time_of_a_dead_orphan_is_not_lost(start: Start, tmp_path: Path) -> None:
    script = f"cd {tmp_path}; {sys.executable} -c '{BURN}'; echo ready; exec sleep 600"
    server = start("sh", "-c", script)
    server.await_line("ready")

    while len(server.members()) > 1:
        os.sched_yield()

    assert server.cpu_seconds() >= 0.15  # the kernel's figures come in whole ticks, rounded down


def test_a_server_that_ends_at_once_is_reported_with_its_words(start: Start) -> None:
    server = start("sh", "-c", "echo the port is taken; exit 3")

    with pytest.raises(ServerFailed, match=r"code 3(.|\n)*the port is taken"):
        server.await_line("ready")


def test_servers_end_when_the_benchmark_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, signal\n"
        "from benchmarks.server import Server\n"
        "command = ('sh', '-c', 'echo ready; exec sleep 600')\n"
        "server = Server(command, pathlib.Path(sys.argv[1]), {'PATH': sys.argv[2]})\n"
        "server.await_line('ready')\n"
        "print(*server.members(), flush=True)\n"
        "signal.pause()\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "log"), os.environ["PATH"]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        members = [int(pid) for pid in benchmark.stdout.readline().split()]
        watched = [os.pidfd_open(pid) for pid in members]
        benchmark.send_signal(signal.SIGKILL)

    for pidfd in watched:
        _await_end(pidfd)
    assert members


def _await_end(pidfd: int) -> None:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    ended = poll.poll(30_000)
    os.close(pidfd)
    assert ended


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
