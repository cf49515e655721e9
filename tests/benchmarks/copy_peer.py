"""Peers for tests: one copies with cp beside an idle server, the others go wrong."""

from pathlib import Path
from typing import ClassVar

from benchmarks.peer import Command, Peer, program
from benchmarks.plan import Work
from benchmarks.server import Server


class Copy(Peer):
    name: ClassVar[str] = "copy"
    programs: ClassVar[tuple[str, ...]] = ("cp", "sleep")

    @classmethod
    def version(cls) -> str:
        return "copy 1.0"

    def launch(self) -> Server:
        return Server((program("sleep"), "600"), self.folder / "server.log", self.environ)

    def upload_file(self, source: Path, name: str) -> Command:
        return _copy(source, self.store / name)

    def download_file(self, name: str, target: Path) -> Command:
        return _copy(self.store / name, target)

    def upload_tree(self, source: Path, name: str) -> Command:
        return _copy(source, self.store / name)

    def download_tree(self, name: str, target: Path) -> Command:
        return _copy(self.store / name, target)


class Web(Copy):
    """Does every kind of work, over HTTP too."""

    name: ClassVar[str] = "web"
    works: ClassVar[frozenset[Work]] = frozenset(Work)
    syncs_downloads: ClassVar[bool] = True

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        return self.download_tree(name, target)


class Serving(Web):
    """Serves over HTTP, and takes nothing."""

    name: ClassVar[str] = "serving"
    works: ClassVar[frozenset[Work]] = frozenset({Work.HTTP_DOWN, Work.HTTP_MANY})


class Deaf(Web):
    """Takes uploads by pieces, reports success and keeps nothing."""

    name: ClassVar[str] = "deaf"
    works: ClassVar[frozenset[Work]] = frozenset({Work.TUS_UP})

    def tus_file(self, source: Path, name: str) -> Command:
        return _copy(Path("/dev/null"), self.store / name)


class Durable(Copy):
    name: ClassVar[str] = "durable"
    syncs_uploads: ClassVar[bool] = True


class Liar(Copy):
    """Reports success and delivers nothing."""

    name: ClassVar[str] = "liar"

    def download_file(self, name: str, target: Path) -> Command:
        return _copy(Path("/dev/null"), target)


class Failing(Copy):
    name: ClassVar[str] = "failing"

    def upload_file(self, source: Path, name: str) -> Command:
        return _copy(Path("/no such file"), self.store / name)


class Absent(Copy):
    name: ClassVar[str] = "absent"
    programs: ClassVar[tuple[str, ...]] = ("no-such-program",)


def _copy(source: Path, target: Path) -> Command:
    return Command((program("cp"), "-r", str(source), str(target)))
