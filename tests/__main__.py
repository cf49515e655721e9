"""The whole suite, a folder of it on each processor: `make test`.

Each folder runs in a pytest of its own, so that none sees what another left behind, and its report is
written when it has ended. Which tests run in one process, and in which order, never varies.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent

LONGEST = ("browser", "e2e", "web", "storage", "faults")
"""Begun first, so that no long one runs alone at the end. A folder that is not named here runs as well."""

AT_MOST = 4
"""Folders at a time, on however many processors: each has browsers, servers or hundreds of connections."""

PAUSE = 0.05
"""Seconds between looks at who has ended."""


@dataclass(frozen=True)
class Part:
    """Tests that share a process, and the words that run them."""

    name: str
    words: Sequence[str]


@dataclass(frozen=True)
class Running:
    """A part and its process, whose report goes to a file."""

    part: Part
    process: subprocess.Popen[bytes]
    report: IO[bytes]


def parts(folder: Path) -> list[Part]:
    """Every folder with tests, the longest first, then the tests that are in none."""
    names = sorted(path.name for path in folder.iterdir() if any(path.rglob("test_*.py")))
    names.sort(key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    found = [Part(f"tests/{name}", [*pytest, str(folder / name)]) for name in names]
    alone = sorted(str(path) for path in folder.glob("test_*.py"))
    return [*found, Part("tests/*.py", [*pytest, *alone])] if alone else found


class Suite:
    """Parts that run side by side; an interrupt ends them all, a second one at once."""

    def __init__(self, waiting: Sequence[Part], at_once: int) -> None:
        self.failed: list[str] = []
        """The names of the parts that did not pass."""
        self.interrupts = 0
        self._waiting = list(waiting)
        self._at_once = at_once
        self._running: list[Running] = []
        self._answered = 0

    def interrupt(self, *_: object) -> None:
        """Take down that it is to end, between two steps of whatever it does just now."""
        self.interrupts += 1

    def run(self) -> None:
        """Write the report of each part as it ends."""
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._at_once and not self.interrupts:
                    self._start(self._waiting.pop(0))
                self._answer()
                self._take_ended()
                time.sleep(PAUSE)
        finally:
            self._end(signal.SIGKILL)

    def _start(self, part: Part) -> None:
        report = tempfile.TemporaryFile()  # noqa: SIM115, closed when it was written out
        # In a group of its own, so that Ctrl-C comes to it once, and from here.
        process = subprocess.Popen(
            part.words, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.STDOUT, process_group=0
        )
        self._running.append(Running(part, process, report))

    def _answer(self) -> None:
        if self.interrupts > self._answered:
            self._answered = self.interrupts
            self._waiting.clear()
            self._end(signal.SIGINT if self._answered == 1 else signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        for one in self._running:
            if one.process.poll() is None:
                os.killpg(one.process.pid, number)

    def _take_ended(self) -> None:
        for one in [one for one in self._running if one.process.poll() is not None]:
            self._running.remove(one)
            if one.process.returncode != 0:
                self.failed.append(one.part.name)
            _write_out(one)


def _write_out(one: Running) -> None:
    _say(f"\n######## {one.part.name}")
    with one.report as report:
        report.seek(0)
        shutil.copyfileobj(report, sys.stdout.buffer)
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def judge(waiting: Sequence[Part], at_once: int) -> int:
    """Run these until the end, Ctrl-C or the end of CI's patience (SIGTERM); gives the exit code."""
    began, suite = time.monotonic(), Suite(waiting, at_once)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, suite.interrupt)
    suite.run()
    _say(
        f"\n######## {'Interrupted' if suite.interrupts else 'Ended'} after {time.monotonic() - began:.0f} s"
    )
    for name in suite.failed:
        _say(f"FAILED {name}")
    return 130 if suite.interrupts else int(bool(suite.failed))


if __name__ == "__main__":
    sys.exit(judge(parts(HERE), min(AT_MOST, os.cpu_count() or 1)))
