"""Fixtures that start the real thing: `serve` takes its flags, a shell is a person, a line goes bad."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

import pytest

from tests.e2e.line import PIECE, Line
from tests.e2e.servers import Flag, Server
from tests.e2e.shells import Shell

QUICK: dict[str, Flag] = {"bcrypt_cost": 4}
"""A login costs a quarter of a second at the default; what bcrypt does is tested elsewhere."""


class Flags(TypedDict, total=False):
    """The server's flags that tests set; the others keep their defaults."""

    require_auth: bool
    max_file_size: int
    small_size: int
    checkpoint_bytes: int
    upload_days: int
    trash_days: int
    keep_versions: int
    stall_seconds: int
    first_frame_seconds: int
    idle_seconds: int
    drain_seconds: int
    bcrypt_cost: int
    max_unauthenticated: int
    max_unauthenticated_per_address: int
    list_limit: int
    window_uploads: int
    window_bytes: int
    login_failures: int
    log_level: str


class Serve(Protocol):
    """Starts a server with these flags, on a data folder of its own unless one is given."""

    def __call__(self, data_dir: Path | None = None, **flags: Unpack[Flags]) -> Server:
        """Returns when both doors accept."""
        ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Servers that are stopped after the test, and must then have ended cleanly and said nothing odd."""
    servers: list[Server] = []

    def start(data_dir: Path | None = None, **flags: Unpack[Flags]) -> Server:
        folder = data_dir or tmp_path / f"server{len(servers)}" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        server = Server(folder, {**QUICK, **flags})  # type: ignore[dict-item]
        servers.append(server)
        return server.start()

    yield start
    _stop(servers)


def _stop(servers: list[Server]) -> None:
    codes = [server.stop() for server in servers if server.alive]
    assert codes == [0] * len(codes)
    assert [server.complaints() for server in servers if server.expect_clean and server.complaints()] == []


class Stable:
    """Servers of one kind, each used once; the next one starts while a test uses the last."""

    def __init__(self, folder: Path, **flags: Unpack[Flags]) -> None:
        self._folder = folder
        self._flags = flags
        self._count = 0
        self._starter = ThreadPoolExecutor(1)
        self._next = self._starter.submit(self._start)

    def _start(self) -> Server:
        self._count += 1
        data_dir = self._folder / f"server{self._count}" / "data"
        data_dir.mkdir(parents=True)
        return Server(data_dir, {**QUICK, **self._flags}).start()  # type: ignore[dict-item]

    def take(self) -> Server:
        """A server with an empty folder."""
        server = self._next.result()
        self._next = self._starter.submit(self._start)
        return server

    def close(self) -> None:
        """The last one was started for nobody."""
        self._next.result().kill()
        self._starter.shutdown()


@pytest.fixture(scope="session")
def default_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    """For `server`."""
    stable = Stable(tmp_path_factory.mktemp("default"))
    yield stable
    stable.close()


@pytest.fixture(scope="session")
def open_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    """For `open_server`."""
    stable = Stable(tmp_path_factory.mktemp("open"), require_auth=False)
    yield stable
    stable.close()


@pytest.fixture
def server(default_servers: Stable) -> Iterator[Server]:
    """A server with all defaults."""
    taken = default_servers.take()
    yield taken
    _stop([taken])


@pytest.fixture
def open_server(open_servers: Stable) -> Iterator[Server]:
    """A server that asks for no login."""
    taken = open_servers.take()
    yield taken
    _stop([taken])


class NewShell(Protocol):
    """Makes a person with an empty home, whose commands go to this address."""

    def __call__(self, address: tuple[str, int]) -> Shell:
        """The shell; log in first where the server asks for it."""
        ...


@pytest.fixture
def new_shell(tmp_path: Path) -> Iterator[NewShell]:
    """Shells whose commands end with the test."""
    shells: list[Shell] = []

    def make(address: tuple[str, int]) -> Shell:
        shells.append(Shell(tmp_path / f"home{len(shells)}", address))
        return shells[-1]

    yield make
    for shell in shells:
        shell.close()


class NewLine(Protocol):
    """Lays a line to an address."""

    def __call__(
        self, target: tuple[str, int], *, tapped: bool = False, piece: int = PIECE, pause: float = 0
    ) -> Line:
        """The line, with the options of `Line`."""
        ...


@pytest.fixture
def new_line() -> Iterator[NewLine]:
    """Lines that are taken away after the test."""
    lines: list[Line] = []

    def lay(target: tuple[str, int], *, tapped: bool = False, piece: int = PIECE, pause: float = 0) -> Line:
        lines.append(Line(target, tapped=tapped, piece=piece, pause=pause))
        return lines[-1]

    yield lay
    for line in lines:
        line.close()
