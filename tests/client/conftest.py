"""A scripted server, and a client's folders that no other test sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fileshare.client.line import Line, Lines
from fileshare.client.reports import Item, Outcome, Silent
from fileshare.client.servers import Server
from fileshare.client.state import State
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

from .scripted import TOKEN, ScriptedServer
from .typed import run

__all__ = ["run"]


class Notes(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.errors: dict[str, FileshareError] = {}
        self.retries: list[FileshareError] = []
        self.notes: list[str] = []
        self.starts: list[tuple[str, int]] = []
        self.hashes: list[tuple[int, int]] = []
        self.count = 0
        self.totals = [0, 0]

    def found(self, files: int, size: int) -> None:
        self.totals = [self.totals[0] + files, self.totals[1] + size]

    def start(self, item: Item, resumed_from: int) -> None:
        self.starts.append((item.path, resumed_from))

    def hashed(self, item: Item, count: int, total: int) -> None:
        self.hashes.append((count, total))

    def moved(self, item: Item, count: int) -> None:
        self.count += count

    def retry(self, error: FileshareError, pause: float) -> None:
        self.retries.append(error)

    def done(self, item: Item, outcome: Outcome) -> None:
        self.outcomes[item.path] = outcome

    def failed(self, path: str, error: FileshareError) -> None:
        self.errors[path] = error

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to wait for a line that a test cuts on purpose."""
    monkeypatch.setattr("fileshare.client.retry.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("fileshare.client.retry.LONGEST_PAUSE", 0.002)


@pytest.fixture
def lines(server: ScriptedServer, notes: Notes) -> Iterator[Lines]:
    address = Server(host="127.0.0.1", port=server.port)
    found = Lines(address, m.Login(token=TOKEN), notes, retry_seconds=20.0)
    yield found
    found.close()


@pytest.fixture
def line(lines: Lines) -> Line:
    return lines.first


@dataclass
class Bench:
    """What most tests need."""

    server: ScriptedServer
    notes: Notes
    state: State
    lines: Lines

    @property
    def line(self) -> Line:
        return self.lines.first


@pytest.fixture
def bench(server: ScriptedServer, notes: Notes, state: State, lines: Lines) -> Bench:
    return Bench(server, notes, state, lines)
