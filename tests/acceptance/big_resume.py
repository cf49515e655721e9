"""Going on with a large upload after both ends were killed: at once, and without hashing it all again.

The resume is held against a fresh upload of as much as was missing, in the same minute. Its
first new byte is seen in the part file, from the start of the client's command on.
"""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.shells import Finished
from tests.e2e.sources import write_file

MIB, GIB = 1 << 20, 1 << 30
REQUIRED = 10
"""GiB of the file, of which all but one have arrived."""
ROUNDS = 3
FIRST_BYTE_SECONDS = 0.150
TIMES_FRESH = 1.15


@dataclass(frozen=True)
class Resumed:
    """One resume."""

    first_byte: float
    seconds: float
    done: Finished


class BigResume(Check):
    """Issue's row on resuming. The count is in GiB."""

    name = "big-resume"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve(port=_free_port())
        self.shell = stage.shell(self.server.address)
        self.size = stage.count(REQUIRED) * GIB

    def run(self) -> list[Row]:
        """Fresh and resumed by turns, medians of both."""
        source = self.shell.work / "big.bin"
        fresh_seconds, resumes, wrong = [], [], 0
        for number in range(1, ROUNDS + 1):
            self.stage.say(f"round {number} of {ROUNDS}")
            fresh_seconds.append(self._fresh(number))
            digest = write_file(source, self.size)
            self._interrupt(source)
            resumes.append(self._resume(source))
            wrong += stored(self.server.data_dir).get("big.bin") != digest or resumes[-1].done.code != 0
            self.shell.run("delete", "big.bin")
            self.server.run("trash", "empty")
        fresh = median(fresh_seconds)
        took = median(resumed.seconds for resumed in resumes)
        first = median(resumed.first_byte for resumed in resumes)
        what = f"resume at {self.size // GIB - 1} of {self.size // GIB} GiB"
        return [
            Row(f"{what}: digest", "right", f"{wrong} of {ROUNDS} wrong", not wrong),
            Row(
                f"{what}: first new byte",
                "within 150 ms of the command's start",
                f"{first * 1000:.0f} ms",
                first < FIRST_BYTE_SECONDS,
            ),
            Row(
                f"{what}: done",
                f"within {TIMES_FRESH} × a fresh 1 GiB",
                f"{took:.2f} s, fresh {fresh:.2f} s: {took / fresh:.2f} ×",
                took <= TIMES_FRESH * fresh,
            ),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _fresh(self, number: int) -> float:
        source = self.shell.work / "fresh.bin"
        write_file(source, GIB + number)
        started = time.perf_counter()
        done = self.shell.run("--quiet", "upload", source)
        assert done.code == 0, done.err
        return time.perf_counter() - started

    def _interrupt(self, source: Path) -> None:
        """Kill both ends when all but a gigabyte has arrived."""
        running = self.shell.start("--quiet", "upload", source)
        while running.sample() and self._arrived() < self.size - GIB:
            time.sleep(0.002)
        running.kill()
        self.server.kill()
        self.server.restart()

    def _resume(self, source: Path) -> Resumed:
        before = self._arrived()
        started = time.perf_counter()
        running = self.shell.start("--json", "upload", source)
        while self._arrived() == before and running.sample():
            time.sleep(0.001)
        first_byte = time.perf_counter() - started
        done = running.wait()
        return Resumed(first_byte, time.perf_counter() - started, done)

    def _arrived(self) -> int:
        parts = [path.stat().st_size for path in (self.server.data_dir / "uploads").glob("*.part")]
        return max(parts, default=0)


def _free_port() -> int:
    """Where the server is found again after its restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
