"""What Linux knows of a tree of processes: its members, processor time and peak memory.

It only reads /proc (and resets the peak counters); it never starts or stops anything.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_VANISHED = (FileNotFoundError, ProcessLookupError)


def tree(root: int) -> Iterator[int]:
    """Yield the process and all its living descendants."""
    yield root
    with suppress(*_VANISHED):
        for thread in (_PROC / str(root) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from tree(int(child))


def cpu_seconds(root: int) -> float:
    """Return the processor seconds, user and system, of the tree and of its members that died.

    Exact as long as every dead member was waited for by a living one, which the supervisor sees to.
    """
    ticks = 0
    for pid in tree(root):
        with suppress(*_VANISHED):
            ticks += _ticks((_PROC / str(pid) / "stat").read_text())
    return ticks / _TICKS_PER_SECOND


def peak_memory(pids: Iterable[int]) -> int:
    """Return the sum of the peaks of resident memory, in bytes; shared pages count in each process."""
    return sum(_peak(pid) for pid in pids)


def reset_peaks(pids: Iterable[int]) -> None:
    """Let the peaks begin anew at today's size; a process that does not allow it keeps its old peak."""
    for pid in pids:
        with suppress(*_VANISHED, PermissionError):
            (_PROC / str(pid) / "clear_refs").write_text("5")


def _ticks(stat: str) -> int:
    """Add utime, stime, cutime and cstime (fields 14 to 17 of proc(5)), counted from the name's end."""
    fields = stat.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])


def _peak(pid: int) -> int:
    with suppress(*_VANISHED):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
