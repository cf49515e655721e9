"""A running fileshare, and a way to measure one command, or several at once, against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure, processes, sources
from benchmarks.peer import Command, program
from benchmarks.peers.fileshare import Fileshare
from benchmarks.scaling.rows import Case, Row


@dataclass
class Bench:
    """The server, the folder for what is written, and who hears of each row."""

    peer: Fileshare
    folder: Path
    runs: int
    timeout: float
    note: Callable[[Row], None]

    def measured(self, case: Case, work: str, command: Command, size: int = 0) -> None:
        """Run the command and note what it cost; raises CommandFailed."""
        sources.sync(self.folder)
        server = self.peer.server
        before = server.cpu_seconds()
        processes.reset_peaks(server.members())
        usage = self.done(command)
        spent = server.cpu_seconds() - before
        peaks = (usage.client_peak, usage.server_peak)
        self.note(case.row(work, usage.wall, size, usage.cpu, spent, *peaks))

    def done(self, command: Command) -> measure.Usage:
        """Run the command; raises CommandFailed."""
        log = self.folder / "client.log"
        return measure.run(command, self.peer.environ, log, self.timeout, self.peer.server.members)


def together(commands: Sequence[Command]) -> Command:
    """Return one command that runs all at once, and fails where one does; their beginnings must be alike."""
    first = commands[0].argv
    words = zip(*(one.argv for one in commands), strict=True)
    alike = min([place for place, each in enumerate(words) if len(set(each)) > 1] or [len(first) - 1])
    rest = len(first) - alike
    argv = (program("xargs"), "-0", "-n", str(rest), "-P", str(len(commands)), *first[:alike])
    return Command(argv, stdin="".join(f"{word}\0" for one in commands for word in one.argv[alike:]))
