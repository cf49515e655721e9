"""The process above each server: python -m benchmarks.supervisor PARENT COMMAND…

It adopts whatever the server forks away, so that no processor second is lost, and it ends the whole tree when
it is told to, when the server ends, and when the benchmark itself dies. It must use no time while it waits.
"""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType

from benchmarks.processes import tree

# From <linux/prctl.h>.
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36

# fileshare drains within 10 s; whoever takes longer is killed.
GRACE_SECONDS = 12


def main(arguments: list[str]) -> int:
    """Run the command until it ends; return its exit code."""
    parent, *command = arguments
    _prepare()
    if os.getppid() != int(parent):  # it died before the death signal was set
        return 1
    server = subprocess.Popen(command)
    code = _wait_for(server)
    _end_tree()
    while _reap() is not None:
        pass
    return code


def _prepare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_SET_CHILD_SUBREAPER, 1), (_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    signal.signal(signal.SIGTERM, _end_tree)
    signal.signal(signal.SIGALRM, _kill_tree)


def _wait_for(server: subprocess.Popen[bytes]) -> int:
    while (ended := _reap()) is not None:
        pid, status = ended
        if pid == server.pid:
            server.returncode = os.waitstatus_to_exitcode(status)
            return server.returncode
    return 1


def _reap() -> tuple[int, int] | None:
    try:
        return os.waitpid(-1, 0)
    except ChildProcessError:
        return None


def _end_tree(_signal: int = 0, _frame: FrameType | None = None) -> None:
    """Ask every descendant to end, and arm the alarm that kills those that do not."""
    signal.alarm(GRACE_SECONDS)
    _send(signal.SIGTERM)


def _kill_tree(_signal: int, _frame: FrameType | None) -> None:
    signal.alarm(1)  # whatever was forked meanwhile gets its turn
    _send(signal.SIGKILL)


def _send(number: signal.Signals) -> None:
    for pid in list(tree(os.getpid()))[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
