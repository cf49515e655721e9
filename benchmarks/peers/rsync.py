"""rsync against its own daemon: the yardstick for trees. It compares digests in transit and syncs nothing."""

import os
from pathlib import Path
from typing import ClassVar

from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.server import Server, free_port

_CONFIG = """\
port = {port}
address = 127.0.0.1
use chroot = no
pid file = {folder}/rsyncd.pid
log file = {folder}/rsyncd.log
{owner}
[store]
path = {folder}/store
read only = no
"""


class Rsync(Peer):
    """rsync with a daemon of its own."""

    name: ClassVar[str] = "rsync"
    programs: ClassVar[tuple[str, ...]] = ("rsync",)
    packages: ClassVar[tuple[str, ...]] = ("rsync",)

    @classmethod
    def version(cls) -> str:
        """Return rsync's version."""
        return printed_version(r"(?<=rsync  version )\S+", "rsync", "--version")

    def launch(self) -> Server:
        """Start the daemon."""
        self._port = free_port()
        # As root the daemon would otherwise become nobody, who can't write here.
        owner = "uid = 0\ngid = 0\n" if os.geteuid() == 0 else ""
        config = self.folder / "rsyncd.conf"
        config.write_text(_CONFIG.format(port=self._port, folder=self.folder, owner=owner))
        argv = (program("rsync"), "--daemon", "--no-detach", f"--config={config}")
        server = Server(argv, self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Push one file."""
        return self._rsync(str(source), self._url(name))

    def download_file(self, name: str, target: Path) -> Command:
        """Pull one file."""
        return self._rsync(self._url(name), str(target))

    def upload_tree(self, source: Path, name: str) -> Command:
        """Push a folder's content."""
        return self._rsync(f"{source}/", self._url(f"{name}/"))

    def download_tree(self, name: str, target: Path) -> Command:
        """Pull a folder's content."""
        return self._rsync(self._url(f"{name}/"), f"{target}/")

    def _rsync(self, source: str, target: str) -> Command:
        return Command((program("rsync"), "--archive", source, target))

    def _url(self, name: str) -> str:
        return f"rsync://127.0.0.1:{self._port}/store/{name}"
