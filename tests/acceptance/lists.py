"""LIST asked for again and again while something else goes on, and of an idle server at the same time.

A machine of somebody else's (a virtual one above all) stands still now and again, for
whatever it runs. So a second server that nobody uses is asked the same, on the same
machine, all the while: what it shows as well at that moment is not the first one's doing.
Each is asked by a process of its own, timed at the socket of a client that does nothing else.
"""

import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.acceptance.report import Row
from tests.acceptance.stage import Stage
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1

PAUSE = 0.020
"""Seconds between two LISTs."""

LONG = 0.100
"""Seconds that a LIST may take."""

LISTED = 200
"""Files in the list, as a small office has them."""

TOP = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stretch:
    """From when to when a LIST was under way, seconds of the monotonic clock."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def meets(self, other: "Stretch") -> bool:
        """Whether there is a moment at which both were under way."""
        return self.start < other.end and other.start < self.end


def ask(host: str, port: int) -> list[Stretch]:
    """Ask until standard input ends. A LIST that could not begin in time began when it should have."""
    lists: list[Stretch] = []
    with Version1((host, port)).log_in() as talk:
        due = time.monotonic()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            talk.names()
            lists.append(Stretch(due, time.monotonic()))
            due = lists[-1].end + PAUSE
    return lists


class Asker:
    """Asks a server from `with` on, until its end; then `lists` has them."""

    def __init__(self, server: Server) -> None:
        self.lists: list[Stretch] = []
        self._server = server

    def __enter__(self) -> Self:
        host, port = self._server.address
        command = [sys.executable, "-m", __name__, host, str(port)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=TOP)
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate()[0]
        self.lists += [Stretch(*map(float, line.split())) for line in told.splitlines()]


class Beside:
    """LISTs of the server that is at work, and of one that is not."""

    def __init__(self, stage: Stage, server: Server) -> None:
        """Fills both with the files that they list."""
        self._idle = stage.serve("idle")
        self._server = server
        for one in (server, self._idle):
            with Version1(one.address).log_in() as talk:
                for number in range(LISTED):
                    talk.upload(f"small/{number}.txt", content(100, seed=number))

    def __enter__(self) -> Self:
        self._busy_asker, self._idle_asker = Asker(self._server), Asker(self._idle)
        self._both = ExitStack()
        self._both.enter_context(self._idle_asker)
        self._both.enter_context(self._busy_asker)
        return self

    def __exit__(self, *_: object) -> None:
        self._both.close()

    def row(self, what: str) -> Row:
        """The slowest LIST that the idle server does not show too, and what the clock says of all."""
        return judged(what, self._busy_asker.lists, self._idle_asker.lists)


def judged(what: str, busy: Sequence[Stretch], idle: Sequence[Stretch]) -> Row:
    """Passes if each long LIST met one that was long at the idle server as well."""
    stalls = [one for one in idle if one.seconds >= LONG]
    ours = max(one.seconds for one in busy if one.seconds < LONG or not any(map(one.meets, stalls)))
    return Row(
        f"{what}: LIST of {LISTED} meanwhile",
        "within 100 ms, but where an idle server needs as long at that moment",
        f"slowest {ours * 1000:.0f} ms; by the clock {_summary(busy)}; the idle server {_summary(idle)}",
        ours < LONG,
    )


def _summary(lists: Sequence[Stretch]) -> str:
    seconds = sorted(one.seconds for one in lists)
    late = sum(one >= LONG for one in seconds)
    slowest, p99 = seconds[-1] * 1000, seconds[int(len(seconds) * 0.99)] * 1000
    return f"slowest {slowest:.0f}, p99 {p99:.1f}, {late} of {len(seconds)} over 100"


if __name__ == "__main__":
    for stretch in ask(sys.argv[1], int(sys.argv[2])):
        sys.stdout.write(f"{stretch.start} {stretch.end}\n")
