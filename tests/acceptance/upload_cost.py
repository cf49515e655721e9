"""The processor's seconds of one large upload, beside those of two hashes and the copies alone.

Both move the same bytes in turn, in the same minute; what the hashes and copies cost is
measured by a pair of processes that do nothing else (`tests.acceptance.bare_copy`).
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import memory
from tests.acceptance import bare_copy
from tests.acceptance.processor import cost_of, settled
from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.sources import write_file

MIB, GIB = 1 << 20, 1 << 30
REQUIRED = 1024
"""MiB of the file."""
ROUNDS = 5
MOST = 1.15


class UploadCost(Check):
    """Issue 4's first row, its last part. The count is in MiB."""

    name = "upload-cost"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.shell = stage.shell(self.server.address)
        self.size = stage.count(REQUIRED) * MIB

    def run(self) -> list[Row]:
        """By turns; the medians of both."""
        source = self.shell.work / "up.bin"
        write_file(source, self.size)
        ours, clients, bare = [], [], []
        for number in range(ROUNDS):
            self.stage.say(f"round {number + 1} of {ROUNDS}")
            with source.open("r+b") as file:
                file.write(number.to_bytes(8, "little"))  # content that the server has not seen
            memory.warm(2 * self.size)
            bare.append(self._bare(source))
            client, server = self._upload(source)
            clients.append(client)
            ours.append(client + server)
        both, alone = median(ours), median(bare)
        return [
            Row(
                f"{self.size / GIB:g} GiB up: processor's seconds of client and server",
                f"within {MOST} × two hashes and the copies",
                f"{both:.2f} (client {median(clients):.2f}), hashes and copies {alone:.2f}: "
                f"{both / alone:.2f} × (rounds {_each(ours, bare)})",
                both <= MOST * alone,
            )
        ]

    def _upload(self, source: Path) -> tuple[float, float]:
        """The client's and the server's seconds."""
        before = settled(self.server.pid)
        command = self.shell.command("--quiet", "upload", source)
        client = cost_of(command, self.shell.environment(), self.shell.work).processor
        server = settled(self.server.pid) - before
        self.shell.run("delete", "--forever", source.name)
        return client, server

    def _bare(self, source: Path) -> float:
        target = self.stage.folder / "bare.bin"
        seconds = bare_pair(source, target)
        assert target.stat().st_size == self.size
        target.unlink()
        return seconds


def bare_pair(source: Path, target: Path) -> float:
    """Copy through a socket with both hashes; the two ends' seconds."""
    script = [sys.executable, "-I", bare_copy.__file__]
    receiving = subprocess.Popen([*script, "receive", target], stdout=subprocess.PIPE, text=True)
    assert receiving.stdout is not None
    port = receiving.stdout.readline().strip()
    sent = subprocess.run([*script, "send", port, source], stdout=subprocess.PIPE, text=True, check=True)
    received = receiving.communicate()[0]
    assert receiving.returncode == 0
    return float(sent.stdout) + float(received)


def _each(ours: list[float], bare: list[float]) -> str:
    return ", ".join(f"{one / other:.2f}" for one, other in zip(ours, bare, strict=True))
