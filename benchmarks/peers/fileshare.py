"""fileshare itself: both real commands, the token of a login made beforehand.

It hashes at both ends; it reports an upload, and a download too, only when it is on disk.
"""

from pathlib import Path
from typing import ClassVar

from benchmarks import measure
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.server import Server

_LOGIN_SECONDS = 30.0


class Fileshare(Peer):
    """fileshare over its TCP door."""

    name: ClassVar[str] = "fileshare"
    programs: ClassVar[tuple[str, ...]] = ("fileshare", "fileshare-client")
    syncs_uploads: ClassVar[bool] = True
    syncs_downloads: ClassVar[bool] = True

    @classmethod
    def version(cls) -> str:
        """Return fileshare's own name and version."""
        return printed_version(r"fileshare \S+", "fileshare", "--version")

    def launch(self) -> Server:
        """Start the server on free ports and log in with the documented first password."""
        argv = (
            program("fileshare"),
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--web-host",
            "127.0.0.1",
        )
        data = ("--web-port", "0", "--data-dir", str(self.store))
        server = Server((*argv, *data), self.folder / "server.log", self.environ)
        try:
            self._port = server.await_line(r"tcp://127\.0\.0\.1:(\d+)")[1]
            login = self._client("login", "admin", "--password-stdin", stdin="admin123\n")
            measure.run(login, self.environ, self.folder / "client.log", _LOGIN_SECONDS, server.members)
        except BaseException:
            server.stop()
            raise
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Upload one file."""
        return self._client("upload", str(source), "--name", name)

    def download_file(self, name: str, target: Path) -> Command:
        """Download one file, verified as it arrives."""
        return self._client("download", name, "--output", str(target))

    def upload_tree(self, source: Path, name: str) -> Command:
        """Upload a folder."""
        return self._client("upload", str(source), "--recursive", "--name", name)

    def download_tree(self, name: str, target: Path) -> Command:
        """Download a folder, which keeps its name."""
        return self._client("download", name, "--recursive", "--output", str(target.parent))

    def _client(self, *arguments: str, stdin: str = "") -> Command:
        address = ("--host", "127.0.0.1", "--port", self._port)
        return Command((program("fileshare-client"), *address, "--quiet", *arguments), stdin=stdin)
