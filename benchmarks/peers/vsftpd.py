"""curl against vsftpd: plain FTP, which checks and syncs nothing."""

from pathlib import Path
from typing import ClassVar

from benchmarks import curl
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.server import Server, free_port

# It runs as whoever starts it, so without privileges and without a chroot; its seccomp filter, which newer
# kernels' calls end, is off.
_CONFIG = """\
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=YES
seccomp_sandbox=NO
secure_chroot_dir={folder}/empty
anonymous_enable=YES
no_anon_password=YES
anon_root={folder}/store
anon_umask=022
anon_world_readable_only=NO
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
write_enable=YES
use_sendfile=YES
connect_from_port_20=NO
xferlog_enable=NO
max_clients=0
max_per_ip=0
"""


class Vsftpd(Peer):
    """One curl for each run, for the small files too, over connections that it keeps."""

    name: ClassVar[str] = "vsftpd"
    programs: ClassVar[tuple[str, ...]] = ("vsftpd", "curl")
    packages: ClassVar[tuple[str, ...]] = ("vsftpd", "curl")

    @classmethod
    def version(cls) -> str:
        """Return both programs' own versions."""
        # Its version goes to descriptor 0, which is a terminal where people ask for it.
        argv = ("sh", "-c", f"{program('vsftpd')} -v 0>&1")
        server = printed_version(r"version [0-9.]+", *argv)
        return f"vsftpd {server} with {printed_version(r'curl [0-9.]+', 'curl', '-V')}"

    def launch(self) -> Server:
        """Start the daemon."""
        self._port = free_port()
        (self.folder / "empty").mkdir()
        config = self.folder / "vsftpd.conf"
        config.write_text(_CONFIG.format(port=self._port, folder=self.folder))
        server = Server((program("vsftpd"), str(config)), self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """STOR one file."""
        return curl.one("--upload-file", str(source), self._url(name))

    def download_file(self, name: str, target: Path) -> Command:
        """RETR one file."""
        return curl.get(self._url(name), target)

    def upload_tree(self, source: Path, name: str) -> Command:
        """STOR every file of a folder, the list given to curl beforehand."""
        transfers = curl.uploads(source, self._url(name))
        return curl.many(self.folder / "transfers", transfers, "--ftp-create-dirs")

    def download_tree(self, name: str, target: Path) -> Command:
        """RETR every file of a folder, the list given to curl beforehand."""
        transfers = curl.downloads(curl.names(self.store / name), self._url(name), target)
        return curl.many(self.folder / "transfers", transfers, "--create-dirs")

    def _url(self, name: str) -> str:
        return f"ftp://127.0.0.1:{self._port}/{name}"
