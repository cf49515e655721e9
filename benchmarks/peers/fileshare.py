"""fileshare itself: both real commands, the token of a login made beforehand; curl and a plain tus client.

It hashes at both ends; it reports an upload, and its own client a download too, only when it is on disk. What
curl fetches curl writes, and a sync is counted on top.
"""

import copy
import json
import sys
import urllib.request
from pathlib import Path
from typing import ClassVar

from benchmarks import curl, measure
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.plan import Work
from benchmarks.server import Server

_LOGIN_SECONDS = 30.0
_TUS = Path(__file__).resolve().parent.parent / "tus_upload.py"


class Fileshare(Peer):
    """fileshare over its TCP door, and over its web door where HTTP is the work."""

    name: ClassVar[str] = "fileshare"
    programs: ClassVar[tuple[str, ...]] = ("fileshare", "fileshare-client", "curl")
    packages: ClassVar[tuple[str, ...]] = ("curl",)
    works: ClassVar[frozenset[Work]] = frozenset(Work)
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
            self.port = server.await_line(r"tcp://127\.0\.0\.1:(\d+)")[1]
            self._web = server.await_line(r"http://127\.0\.0\.1:\d+")[0]
            self._log_in(server)
            self._token = _token(self._web)
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

    def http_file(self, name: str, target: Path) -> Command:
        """GET one file from the web door."""
        return curl.get(f"{self._web}/files/{name}", target, *self._credential)

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        """GET every file at once."""
        transfers = curl.downloads(curl.names(source), f"{self._web}/files/{name}", target)
        config = self.folder / "transfers"
        return curl.many(config, transfers, "--create-dirs", *self._credential, at_once=curl.ALL)

    def tus_file(self, source: Path, name: str) -> Command:
        """Upload by a plain HTTP client: pieces with their checksums."""
        argv = (sys.executable, "-I", "-S", str(_TUS), f"{self._web}/tus/", str(source), name)
        return Command(argv, environ={"TOKEN": self._token})

    def discard(self, name: str) -> Command:
        """Delete it for good."""
        return self._client("delete", name, "--forever")

    def list_all(self) -> Command:
        """List every file."""
        return self._client("list", "--recursive")

    def question(self, path: str) -> urllib.request.Request:
        """Return a request to the web door, with the token."""
        name, value = self._credential[1].split(": ")
        return urllib.request.Request(f"{self._web}{path}", headers={name: value})

    def through(self, port: int | str) -> "Fileshare":
        """Return the same server behind another port, logged in there."""
        other = copy.copy(self)
        other.port = str(port)
        other._log_in(self.server)
        return other

    def _log_in(self, server: Server) -> None:
        """Log the client in with the documented first password."""
        login = self._client("login", "admin", "--password-stdin", stdin="admin123\n")
        measure.run(login, self.environ, self.folder / "client.log", _LOGIN_SECONDS, server.members)

    @property
    def _credential(self) -> tuple[str, str]:
        return ("--header", f"Authorization: Bearer {self._token}")

    def _client(self, *arguments: str, stdin: str = "") -> Command:
        address = ("--host", "127.0.0.1", "--port", self.port)
        return Command((program("fileshare-client"), *address, "--quiet", *arguments), stdin=stdin)


def _token(web: str) -> str:
    """Log in at the web door with the documented first password."""
    body = json.dumps({"username": "admin", "password": "admin123", "name": "benchmark"}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{web}/api/v1/tokens", data=body, headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
        return str(json.load(reply)["token"])
