"""copyparty with its own client, u2c, which hashes pieces and whose server checks them; downloads by curl."""

from pathlib import Path
from typing import ClassVar

from benchmarks import curl
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.plan import Work
from benchmarks.server import Server, free_port


class Copyparty(Peer):
    """copyparty as it comes, everybody allowed everything."""

    name: ClassVar[str] = "copyparty"
    programs: ClassVar[tuple[str, ...]] = ("copyparty", "u2c", "curl")
    packages: ClassVar[tuple[str, ...]] = ("curl",)
    python_packages: ClassVar[tuple[str, ...]] = ("copyparty",)
    works: ClassVar[frozenset[Work]] = Peer.works | {Work.TUS_UP, Work.HTTP_DOWN, Work.HTTP_MANY}

    @classmethod
    def version(cls) -> str:
        """Return copyparty's own name and version."""
        return printed_version(r"copyparty v?[0-9.]+", "copyparty", "--version")

    def launch(self) -> Server:
        """Start the server."""
        self._port = free_port()
        argv = ("-i", "127.0.0.1", "-p", str(self._port), "-q", "-v", f"{self.store}::A")
        server = Server((program("copyparty"), *argv), self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Upload one file, which keeps its own name, into a folder of that name."""
        return self._u2c(f"{name}/", str(source))

    def download_file(self, name: str, target: Path) -> Command:
        """GET the one file of that folder."""
        (stored,) = curl.names(self.store / name)
        return curl.get(self._url(f"{name}/{stored}"), target)

    def upload_tree(self, source: Path, name: str) -> Command:
        """Upload what is in a folder into one of that name."""
        return self._u2c(f"{name}/", f"{source}/")

    def download_tree(self, name: str, target: Path) -> Command:
        """GET every file of a folder, the list given to curl beforehand."""
        return self._get_tree(name, target, curl.FEW)

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        """GET every file at once."""
        return self._get_tree(name, target, curl.ALL)

    def _get_tree(self, name: str, target: Path, at_once: int) -> Command:
        transfers = curl.downloads(curl.names(self.store / name), self._url(name), target)
        return curl.many(self.folder / "transfers", transfers, "--create-dirs", at_once=at_once)

    def _u2c(self, place: str, source: str) -> Command:
        return Command((program("u2c"), "-ns", self._url(place), source))

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}"
