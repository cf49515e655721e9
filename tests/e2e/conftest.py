"""Fixtures that start the real thing: `serve` takes its flags, a shell is a person, a line goes bad."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

import pytest

from tests.e2e.line import PIECE, Line
from tests.e2e.servers import Server
from tests.e2e.shells import Shell


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
        # A login costs a quarter of a second at the default; what bcrypt does is tested elsewhere.
        server = Server(folder, {"bcrypt_cost": 4, **flags})  # type: ignore[dict-item]
        servers.append(server)
        return server.start()

    yield start
    codes = [server.stop() for server in servers if server.alive]
    assert codes == [0] * len(codes)
    assert [server.complaints() for server in servers if server.expect_clean and server.complaints()] == []


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server with all defaults."""
    return serve()


@pytest.fixture
def open_server(serve: Serve) -> Server:
    """A server that asks for no login."""
    return serve(require_auth=False)


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
