"""10 GiB up and down by the real client, straight to the server, while somebody else asks for LIST.

Resident memory is the kernel's own high-water mark (VmHWM) of each process, looked at
until its end. How the LISTs are judged: `tests.acceptance.lists`.
"""

import time
from pathlib import Path

from tests.acceptance.lists import Beside
from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.inspection import digest_of, stored
from tests.e2e.shells import Running
from tests.e2e.sources import write_file

MIB, GIB = 1 << 20, 1 << 30
UNIT = 128 * MIB
REQUIRED = 80
SERVER_MEMORY, CLIENT_MEMORY = 150 * MIB, 100 * MIB


class BigFile(Check):
    """Issue's sixth point. The count is in units of 128 MiB, 80 of them the 10 GiB."""

    name = "big-file"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.shell = stage.shell(self.server.address)
        self.lists = Beside(stage, self.server)
        self.what = ""

    def run(self) -> list[Row]:
        """Up, then down."""
        size = self.stage.count(REQUIRED) * UNIT
        source = self.shell.work / "big.bin"
        self.what = f"{size / GIB:g} GiB"
        self.stage.say(f"writing {self.what}")
        digest = write_file(source, size)
        rows = self._move("up", "upload", source)
        right = stored(self.server.data_dir).get("big.bin") == digest
        rows.append(Row(f"{self.what} up: digest", "right", "right" if right else "wrong", right))
        target = self.shell.home / "back.bin"
        rows += self._move("down", "download", "big.bin", "--output", target)
        right = target.exists() and digest_of(target) == digest
        rows.append(Row(f"{self.what} down: digest", "right", "right" if right else "wrong", right))
        # Not earlier: a virtual machine may hand 10 GiB that are free again back to its host, and then
        # stands still for some tenths of a second now and again.
        source.unlink()
        target.unlink(missing_ok=True)
        peak = self.server.resident()
        rows.append(
            Row(
                f"{self.what}: server's memory",
                "under 150 MiB",
                f"{peak / MIB:.0f} MiB",
                peak < SERVER_MEMORY,
            )
        )
        return rows

    def _move(self, way: str, *words: str | Path) -> list[Row]:
        what = f"{self.what} {way}"
        self.stage.say(what)
        with self.lists as lists:
            started = time.perf_counter()
            running = self.shell.start("--quiet", *words)
            peak = _watch(running)
            seconds = time.perf_counter() - started
        done = running.wait()
        return [
            Row(
                f"{what}: done",
                "exit 0",
                f"exit {done.code}, {seconds:.0f} s {done.err[-200:]}",
                not done.code,
            ),
            Row(f"{what}: client's memory", "under 100 MiB", f"{peak / MIB:.0f} MiB", peak < CLIENT_MEMORY),
            lists.row(what),
        ]


def _watch(running: Running) -> int:
    """Its high-water mark of resident memory, looked at every 50 ms until it ends."""
    while running.sample():
        time.sleep(0.05)
    return running.peak
