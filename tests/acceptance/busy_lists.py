"""LIST on a connection of its own, asked again and again while eight large files come in.

The uploads are real commands, and the LISTs a process that does nothing else. Beside them a
process that only sleeps and works is timed (`tests.acceptance.control`): a stall that it
shows at the same moment is the machine's.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Self

from tests.acceptance import control
from tests.acceptance.lists import LISTED, LONG, PAUSE, Asker, Stretch
from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.inspection import stored
from tests.e2e.sources import BLOCK, content
from tests.e2e.talk import Version1

MIB = 1 << 20
REQUIRED = 1024
"""MiB of each upload."""
UPLOADS = 8
P99 = 0.010


class Control:
    """The control process, from `with` on; `done` has its times afterwards."""

    def __init__(self) -> None:
        self.done: list[Stretch] = []

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        command = [sys.executable, "-I", control.__file__, str(PAUSE)]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate()[0]
        self.done += [Stretch(*map(float, line.split())) for line in told.splitlines()]


class BusyLists(Check):
    """Issue 4's row on LIST. The count is the MiB of each upload."""

    name = "busy-lists"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.shells = [stage.shell(self.server.address) for _ in range(UPLOADS)]
        self.size = stage.count(REQUIRED) * MIB

    def run(self) -> list[Row]:
        """All at once, from sources that are real.

        To read a sparse one is to clear fresh memory, 8 MiB of it at a time where the system reads so far
        ahead, and a kernel that gives way to nobody meanwhile held every process here for 20 ms.
        """
        with Version1(self.server.address).log_in() as talk:
            for number in range(LISTED):
                talk.upload(f"small/{number}.txt", content(100, seed=number))
        for number, shell in enumerate(self.shells):
            block = content(min(BLOCK, self.size), seed=number)
            with (shell.work / f"up{number}.bin").open("wb") as file:
                for _ in range(self.size // len(block)):
                    file.write(block)
        self.stage.say(f"{UPLOADS} uploads")
        with Control() as machine, Asker(self.server) as asker:
            done = self._upload()
        return [done, *judged(asker.lists, machine.done)]

    def _upload(self) -> Row:
        began = time.monotonic()
        names = [f"up{number}.bin" for number in range(UPLOADS)]
        running = [
            shell.start("--quiet", "upload", name) for shell, name in zip(self.shells, names, strict=True)
        ]
        codes = [one.wait(600).code for one in running]
        seconds = time.monotonic() - began
        there = set(names) & set(stored(self.server.data_dir))
        return Row(
            f"{UPLOADS} × {self.size // MIB} MiB coming in: done",
            "all",
            f"{len(there)}, exits {codes}, {seconds:.0f} s on {os.cpu_count()} cores",
            len(there) == UPLOADS and not any(codes),
        )


def judged(lists: Sequence[Stretch], machine: Sequence[Stretch]) -> list[Row]:
    """The 99th percentile, and stalls beside which the control process shows none."""
    stalls = [one for one in lists if one.seconds > LONG]
    theirs = [one for one in machine if one.seconds > LONG]
    own = [one for one in stalls if not any(map(one.meets, theirs))]
    p99 = _at(lists, 0.99)
    return [
        Row(
            f"LIST of {LISTED} meanwhile, 99th percentile",
            f"under {P99 * 1000:.0f} ms",
            f"{p99 * 1000:.1f} ms, of {len(lists)} (median {_middle(lists):.1f}); "
            f"the control process {_at(machine, 0.99) * 1000:.1f} (median {_middle(machine):.1f})",
            p99 < P99,
        ),
        Row(
            f"LIST of {LISTED} meanwhile, stalls over {LONG * 1000:.0f} ms",
            "none that the control process does not show too",
            f"{len(stalls)}, {len(own)} of them alone; slowest {_at(lists, 1) * 1000:.0f} ms, "
            f"the control process {_at(machine, 1) * 1000:.0f}",
            not own,
        ),
    ]


def _at(found: Sequence[Stretch], part: float) -> float:
    """The seconds that so many of them stay below."""
    ordered = sorted(one.seconds for one in found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _middle(found: Sequence[Stretch]) -> float:
    return median(one.seconds for one in found) * 1000
