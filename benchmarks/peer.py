"""What the benchmark needs of a peer: a server that starts and stops, and a command for each kind of work.

One peer is one class in one file of `benchmarks/peers`, found there by itself. A peer must listen on the
loopback alone, keep everything under the folder it is given, and need no privilege that the caller has not.
"""

import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from benchmarks import places
from benchmarks.plan import Content, Work
from benchmarks.server import Server

# Where Debian keeps the programs of daemons; not on everyone's PATH.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Command:
    """A client's command: what is run, what it reads, what is added to its environment."""

    argv: tuple[str, ...]
    stdin: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)


class Peer(ABC):
    """A program that moves files, with a server of its own while the benchmark runs.

    The commands are made outside the clock and run inside it. Names are plain, without a slash; the target
    of a download bears the same name, in a folder that exists.
    """

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    """What must be there for this peer to run."""
    packages: ClassVar[tuple[str, ...]] = ()
    """The Debian packages that bring the programs."""
    python_packages: ClassVar[tuple[str, ...]] = ()
    """Those of PyPI that do, installed into an environment of the peers' own."""
    npm_packages: ClassVar[tuple[str, ...]] = ()
    """Those of npm, fetched by the lock file in `benchmarks/node`."""
    works: ClassVar[frozenset[Work]] = frozenset(
        {Work.LARGE_UP, Work.LARGE_DOWN, Work.SMALL_UP, Work.SMALL_DOWN}
    )
    """What is measured of it."""
    syncs_uploads: ClassVar[bool] = False
    """Whether an upload that the client reports as done is on disk; told beside the figures."""
    syncs_downloads: ClassVar[bool] = False
    """The same of a download by the peer's own client; what curl fetches is not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The running server; only between start and stop."""
        assert self._server is not None
        return self._server

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of server and client: nothing of the caller's settings leaks into a run."""
        return {"PATH": search_path(), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        """Start the server and return when it accepts; raises ServerFailed."""
        self.store.mkdir(parents=True)
        self._server = self.launch()

    def stop(self) -> None:
        """End the server, whatever state it is in."""
        if self._server is not None:
            self._server.stop()

    @classmethod
    def missing(cls) -> list[str]:
        """Name what this machine lacks for this peer."""
        programs = [program for program in cls.programs if find(program) is None]
        return programs + [name for name in cls.npm_packages if not places.manifest(name).is_file()]

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return which program, and which version of it, is measured."""

    @abstractmethod
    def launch(self) -> Server:
        """Start the server in `folder`, serving `store`; return when it accepts."""

    def command(  # noqa: PLR0911 (one for each kind of work)
        self, work: Work, source: Path, name: str, target: Path
    ) -> Command:
        """Return the command that does that kind of work: from the source, or to the target."""
        match work:
            case Work.LARGE_UP:
                return self.upload_file(source, name)
            case Work.LARGE_DOWN:
                return self.download_file(name, target)
            case Work.HTTP_DOWN:
                return self.http_file(name, target)
            case Work.TUS_UP:
                return self.tus_file(source, name)
            case Work.SMALL_UP:
                return self.upload_tree(source, name)
            case Work.SMALL_DOWN:
                return self.download_tree(name, target)
            case Work.HTTP_MANY:
                return self.http_tree(source, name, target)

    def place(self, content: Content, source: Path, name: str) -> Command:
        """Return the command that brings bytes there before a download, outside the clock."""
        return self.upload_file(source, name) if content is Content.LARGE else self.upload_tree(source, name)

    def fetch(self, content: Content, name: str, target: Path) -> Command:
        """Return the command that fetches what was stored, outside the clock, to compare it."""
        return (
            self.download_file(name, target) if content is Content.LARGE else self.download_tree(name, target)
        )

    def discard(self, name: str) -> Command | None:
        """Return the command that takes a stored file away, None where it is a plain file of the store."""
        return None

    @abstractmethod
    def upload_file(self, source: Path, name: str) -> Command:
        """Return the command that stores the file under the name."""

    @abstractmethod
    def download_file(self, name: str, target: Path) -> Command:
        """Return the command that fetches the file of that name to the target, made by it."""

    def upload_tree(self, source: Path, name: str) -> Command:
        """Return the command that stores what is in the source folder in a folder of that name."""
        raise NotImplementedError(f"{self.name} stores no folders")

    def download_tree(self, name: str, target: Path) -> Command:
        """Return the command that fetches what is in the folder of that name into the target, made by it."""
        raise NotImplementedError(f"{self.name} fetches no folders")

    def http_file(self, name: str, target: Path) -> Command:
        """Return the curl that fetches the file of that name."""
        return self.download_file(name, target)

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        """Return the curl that fetches all files of that folder at once; the source has the same names."""
        raise NotImplementedError(f"{self.name} fetches no folders over HTTP")

    def tus_file(self, source: Path, name: str) -> Command:
        """Return the command that stores the file over HTTP so that it could be resumed."""
        return self.upload_file(source, name)


def search_path() -> str:
    """Return where programs are looked for: first beside this Python, where fileshare's commands are."""
    beside = str(Path(sys.executable).parent)
    return os.pathsep.join((beside, os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))


def find(program: str) -> str | None:
    """Return the program's absolute path, None where it is missing; what was installed for us comes first."""
    return shutil.which(program, path=str(places.PROGRAMS)) or shutil.which(program, path=search_path())


def program(name: str) -> str:
    """Return the absolute path of a program that is known to be there."""
    found = find(name)
    assert found is not None, name
    return found


def printed_version(pattern: str, *argv: str) -> str:
    """Return the first match of the pattern in what the command prints about itself."""
    done = subprocess.run([program(argv[0]), *argv[1:]], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[0] if found else argv[0]
