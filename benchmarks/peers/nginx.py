"""curl against nginx: PUT through its WebDAV module, GET with sendfile. It checks and syncs nothing."""

import os
from pathlib import Path
from typing import ClassVar

from benchmarks import curl
from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.plan import Work
from benchmarks.server import Server, free_port

# The body's temporary folder shares the store's file system, so that a PUT ends in a rename, not in a copy.
_CONFIG = """\
{user}
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {folder}/store;
        dav_methods PUT;
        create_full_put_path on;
    }}
}}
"""

_MODULE = "http_dav_module"


class Nginx(Peer):
    """One curl for each run, for the small files too, over connections that it keeps."""

    name: ClassVar[str] = "nginx"
    programs: ClassVar[tuple[str, ...]] = ("nginx", "curl")
    packages: ClassVar[tuple[str, ...]] = ("nginx", "curl")
    works: ClassVar[frozenset[Work]] = Peer.works | {Work.HTTP_DOWN, Work.HTTP_MANY}

    @classmethod
    def missing(cls) -> list[str]:
        """Name the programs, or the module where nginx was built without it."""
        lacks = super().missing()
        if not lacks and printed_version(_MODULE, "nginx", "-V") != _MODULE:
            return [f"nginx's {_MODULE}"]
        return lacks

    @classmethod
    def version(cls) -> str:
        """Return both programs' own names and versions."""
        server = printed_version(r"nginx/\S+", "nginx", "-v")
        return f"{server} with {printed_version(r'curl [0-9.]+', 'curl', '-V')}"

    def launch(self) -> Server:
        """Start nginx with everything it writes under the folder."""
        self._port = free_port()
        # As root the workers would otherwise become nobody, who can't write here.
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(_CONFIG.format(port=self._port, folder=self.folder, user=user))
        argv = (
            program("nginx"),
            "-e",
            str(self.folder / "error.log"),
            "-p",
            str(self.folder),
            "-c",
            str(config),
        )
        server = Server(argv, self.folder / "server.log", self.environ)
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """PUT one file."""
        return curl.one("--upload-file", str(source), self._url(name))

    def download_file(self, name: str, target: Path) -> Command:
        """GET one file."""
        return curl.get(self._url(name), target)

    def upload_tree(self, source: Path, name: str) -> Command:
        """PUT every file of a folder, the list given to curl beforehand."""
        return curl.many(self.folder / "transfers", curl.uploads(source, self._url(name)))

    def download_tree(self, name: str, target: Path) -> Command:
        """GET every file of a folder, the list given to curl beforehand."""
        return self._get_tree(self.store / name, name, target, curl.FEW)

    def http_tree(self, source: Path, name: str, target: Path) -> Command:
        """GET every file at once."""
        return self._get_tree(source, name, target, curl.ALL)

    def _get_tree(self, like: Path, name: str, target: Path, at_once: int) -> Command:
        transfers = curl.downloads(curl.names(like), self._url(name), target)
        return curl.many(self.folder / "transfers", transfers, "--create-dirs", at_once=at_once)

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}"
