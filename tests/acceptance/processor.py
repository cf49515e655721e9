"""What a process, or one command, spends of the processor; nanoseconds' precision, all its threads."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SETTLED = 3
_PAUSE = 0.02
_PATIENCE = 5.0


@dataclass(frozen=True)
class Cost:
    """Of one command: seconds by the clock, and in the processor."""

    wall: float
    processor: float


def spent(pid: int) -> float:
    """Seconds of the processor that a living process has used, in the system's calls as well."""
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | 2)


def settled(pid: int) -> float:
    """As `spent`, once it does nothing more in the background."""
    last, quiet, deadline = spent(pid), 0, time.monotonic() + _PATIENCE
    while quiet < _SETTLED and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        now = spent(pid)
        last, quiet = now, quiet + 1 if now - last < 0.001 else 0
    return last


def cost_of(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Cost:
    """Run it to its end. Raises AssertionError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return Cost(wall, usage.ru_utime + usage.ru_stime)
