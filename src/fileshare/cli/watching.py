"""How a long job of the server's commands is watched: a rich bar on a terminal, plain lines elsewhere.

Everything goes to stderr, so that stdout holds the result alone.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from fileshare.cli.output import in_words
from fileshare.services.tally import OnProgress, Progress

LINE_SECONDS = 10.0
"""Between two plain lines: a log stays readable, and nobody thinks that it hangs."""


class Watch(Protocol):
    """Where a job's phases are shown."""

    def phase(self, what: str) -> OnProgress:
        """What to tell the progress of a phase; it appears with the first that is told."""
        ...


@contextmanager
def watching() -> Iterator[Watch]:
    """For the time of one job."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from fileshare.cli.job_bars import JobBars

    with JobBars() as bars:
        yield bars


class Lines:
    """A line when a phase begins, and one now and then."""

    def phase(self, what: str) -> OnProgress:
        """See Watch."""
        due = time.monotonic() - LINE_SECONDS

        def show(at: Progress) -> None:
            nonlocal due
            now = time.monotonic()
            if now - due < LINE_SECONDS:
                return
            due = now
            total = "" if at.total is None else f" of {at.total}"
            print(f"{what}: {at.done}{total}, {in_words(at.size)}", file=sys.stderr, flush=True)

        return show
