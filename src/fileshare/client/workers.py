"""Several connections at once for several files, and an orderly end for all of them.

One worker runs in the calling thread, so that the usual case has no threads at all.
The first error stops the others; so does Ctrl-C.
"""

import threading
import time
from collections.abc import Callable

from fileshare.client.line import Line, Lines

_LOOK_SECONDS = 0.2
"""How often the waiting thread wakes up, where a signal does not wake it by itself (Windows)."""

_END_SECONDS = 5.0


def run_on_lines(lines: Lines, count: int, work: Callable[[Line], None]) -> None:
    """Run `work` on `count` lines at once. Raises the first error, after all have ended."""
    if count == 1:
        work(lines.first)
        return
    own = [lines.first, *(lines.line() for _ in range(count - 1))]
    errors: list[BaseException] = []

    def run(line: Line) -> None:
        try:
            work(line)
        except BaseException as error:  # handed to the caller below
            errors.append(error)
            lines.stop()

    threads = [threading.Thread(target=run, args=(line,), daemon=True) for line in own]
    try:
        _run_all(threads)
    except BaseException:
        lines.stop()
        _wait_for_all(threads)
        raise
    if errors:
        raise errors[0]


def _run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)


def _wait_for_all(threads: list[threading.Thread]) -> None:
    """After Ctrl-C: what came is written, which is soon done; a disk that hangs is not waited for."""
    until = time.monotonic() + _END_SECONDS
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(until - time.monotonic(), 0))
