"""What durable offsets cost an upload: the same file with the checkpoints of the default, and with none.

They are made in the background while bytes come in, so the seconds spent inside them are not
what they cost, neither more nor less: only the whole upload's time with and without them is.
Both servers run at the same time and are used by turns, each first every other round.
"""

from dataclasses import dataclass, field
from statistics import median

from benchmarks import memory
from tests.acceptance.processor import Cost, cost_of, settled
from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.servers import Server
from tests.e2e.shells import Shell
from tests.e2e.sources import write_file

GIB = 1 << 30
SIZE = GIB - 1
"""One byte less than the largest setting: the server without checkpoints makes the last one alone."""
REQUIRED = 31
"""Rounds: a difference of 3 % is less than what two uploads differ by chance."""
MOST = 1.03


@dataclass
class Side:
    """One of the two servers, and what its uploads cost."""

    server: Server
    shell: Shell
    walls: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)

    def note(self, cost: Cost, server: float) -> None:
        """Keep one upload's."""
        self.walls.append(cost.wall)
        self.processors.append(cost.processor + server)


class Checkpoints(Check):
    """Issue 4's row on checkpoints. The count is of rounds."""

    name = "checkpoints"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.some = self._side("default")
        self.none = self._side("none", checkpoint_bytes=GIB, checkpoint_seconds=86400)

    def _side(self, name: str, **settings: int) -> Side:
        server = self.stage.serve(name, **settings)
        return Side(server, self.stage.shell(server.address))

    def run(self) -> list[Row]:
        """By turns; the medians of both."""
        rounds = self.stage.count(REQUIRED)
        for number in range(rounds):
            self.stage.say(f"round {number + 1} of {rounds}")
            for side in (self.some, self.none)[:: 1 if number % 2 else -1]:
                self._upload(side, number)
        ratio = median(self.some.walls) / median(self.none.walls)
        processor = median(self.some.processors) / median(self.none.processors)
        return [
            Row(
                "checkpoints of a 1 GiB upload: its time with them",
                f"within {MOST} × its time without",
                f"{median(self.some.walls):.2f} s, without {median(self.none.walls):.2f} s: {ratio:.3f} × "
                f"(least {min(self.some.walls):.2f} and {min(self.none.walls):.2f}; processor "
                f"{median(self.some.processors):.2f} and {median(self.none.processors):.2f}: "
                f"{processor:.3f} ×)",
                ratio <= MOST,
            )
        ]

    def _upload(self, side: Side, number: int) -> None:
        source = self.stage.folder / "up.bin"
        if not source.exists():
            write_file(source, SIZE)
        with source.open("r+b") as file:
            file.write(number.to_bytes(8, "little"))
        memory.warm(2 * SIZE)
        before = settled(side.server.pid)
        command = side.shell.command("--quiet", "upload", source)
        cost = cost_of(command, side.shell.environment(), side.shell.work)
        side.note(cost, settled(side.server.pid) - before)
        side.shell.run("delete", "--forever", source.name)
