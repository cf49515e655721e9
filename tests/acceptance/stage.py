"""What every check stands on: servers, lines and shells in a folder that is removed afterwards."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.report import Row
from tests.e2e.inspection import Findings, inspect
from tests.e2e.line import Line
from tests.e2e.servers import Flag, Server
from tests.e2e.shells import Shell

CLEAN_SECONDS = 60
"""Within which nothing may be left over."""


@dataclass
class Stage:
    """One check's folder, chance and count."""

    folder: Path
    seed: str
    counted: int | None
    say: Callable[[str], None]
    _ends: ExitStack = field(default_factory=ExitStack)
    _shells: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.chance = random.Random(self.seed)

    def count(self, required: int) -> int:
        """How often to do it: what is required, or what was asked for on the command line."""
        return self.counted or required

    def serve(self, folder: str = "server", **settings: Flag) -> Server:
        """A server with default settings but these, in a folder of its own."""
        server = Server(self.folder / folder / "data", dict(settings))
        server.data_dir.mkdir(parents=True, exist_ok=True)
        server.start()
        self._ends.callback(server.kill_if_alive)
        return server

    def line(self, server: Server, *, tapped: bool = True) -> Line:
        """A line to the server; its port stays when the server's changes. Version 1 can't be tapped."""
        return self._ends.enter_context(Line(server.address, tapped=tapped))

    def shell(self, address: tuple[str, int]) -> Shell:
        """A person who has logged in as admin."""
        self._shells += 1
        shell = Shell(self.folder / f"home{self._shells}", address)
        self._ends.callback(shell.close)
        shell.log_in()
        return shell

    def on_end(self, end: Callable[[], None]) -> None:
        """Something to end with the check."""
        self._ends.callback(end)

    def close(self) -> None:
        """End all processes and lines."""
        self._ends.close()


def nothing_left(check: str, server: Server) -> Row:
    """Wait until the folder is clean, at most a minute, and re-hash everything in it."""
    started = time.monotonic()
    found = inspect(server.data_dir)
    while not found.clean and not found.lost and time.monotonic() - started < CLEAN_SECONDS:
        time.sleep(0.5)
        found = inspect(server.data_dir)
    seconds = time.monotonic() - started
    lost: Findings = inspect(server.data_dir, rehash=True)
    measured = f"none after {seconds:.0f} s" if lost.clean else str(lost)[:200]
    return Row(check, "orphan parts, rows, blobs after 60 s: none", measured, lost.clean)


class Check:
    """One counted check: does its work on a stage, gives the rows of the table."""

    name = ""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def run(self) -> list[Row]:
        """Do it."""
        raise NotImplementedError
