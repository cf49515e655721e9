"""Runs one client command and says what it cost: seconds on the clock, seconds of processor, peak memory.

The clock stops when the command's own process ends; nothing is polled that could round it.
"""

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.peer import Command

_FIRST_LOOK_MS = 2
_LOOK_MS = 40


class CommandFailed(Exception):
    """A client's command did not end with success, or not in time."""


@dataclass(frozen=True)
class Usage:
    """What one command cost; memory in bytes, summed over the processes of the client and of the server."""

    wall: float
    cpu: float
    client_peak: int
    server_peak: int


def run(
    command: Command,
    environ: Mapping[str, str],
    log: Path,
    timeout: float,
    server: Callable[[], Sequence[int]],
) -> Usage:
    """Run the command to its end and return its cost; `server` names the other end's processes.

    Raises CommandFailed.
    """
    with log.open("w+b") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environ, **command.environ},
        )
        try:
            _feed(process, command.stdin)
            client_peak, server_peak = _watch(process, started + timeout, server)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - started
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailed(f"{Path(command.argv[0]).name} ended with {process.returncode}: {said}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, client_peak, server_peak)


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    if process.stdin is not None:
        with process.stdin:
            process.stdin.write(text.encode())


def _watch(
    process: subprocess.Popen[bytes], deadline: float, server: Callable[[], Sequence[int]]
) -> tuple[int, int]:
    """Watch the memory of both ends until the command ends; return the highest sums. Kills it when late."""
    client_peak = server_peak = 0
    pidfd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        pause = _FIRST_LOOK_MS
        while not poll.poll(pause):
            client_peak = max(client_peak, processes.peak_memory(processes.tree(process.pid)))
            server_peak = max(server_peak, processes.peak_memory(server()))
            pause = _LOOK_MS
            if time.perf_counter() > deadline:
                process.kill()
    finally:
        os.close(pidfd)
    return client_peak, max(server_peak, processes.peak_memory(server()))
