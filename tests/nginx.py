"""nginx as docs/proxy.md configures it: the printed text, with our ports and certificate put in."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

TEXT = (Path(__file__).parents[1] / "docs" / "proxy.md").read_text()
PRINTED = "".join(re.findall(r"```nginx\n(.*?)```", TEXT, re.DOTALL))
PREFIX = "/share"
START_SECONDS = 20

_AROUND = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{printed}
}}
"""


def free_port() -> int:
    """A port that was free a moment ago: nginx can't be asked which one it took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Nginx:
    """One nginx, whose address is known before it runs, so that the server behind it can be told."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = trustme.CA()
        issued = self.authority.issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "both.pem"))

    @property
    def url(self) -> str:
        """What people type; goes into the server's `public_url`."""
        return f"https://localhost:{self.port}{PREFIX}"

    def context(self) -> ssl.SSLContext:
        """A client's, which trusts the certificate."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def start(self, behind: str) -> "Nginx":
        """Run it before the web door at that address; returns when it accepts."""
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.fail("These tests drive nginx: install Debian's package nginx (make test does, as root).")
        config, log = self.folder / "nginx.conf", self.folder / "error.log"
        config.write_text(self._config(behind))
        words = [program, "-e", str(log), "-p", str(self.folder), "-c", str(config)]
        self.process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"nginx does not run: {log.read_text()}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_SECONDS)

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _config(self, behind: str) -> str:
        printed = PRINTED
        for told, ours in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
            ("/etc/ssl/files.example.org.pem", f"{self.folder}/both.pem"),
            ("/etc/ssl/private/files.example.org.key", f"{self.folder}/both.pem"),
            ("http://127.0.0.1:5000", behind),
        ):
            assert printed.count(told) == 1, told
            printed = printed.replace(told, ours)
        # As root the workers would otherwise become nobody, who can't write here.
        user = "user root;" if os.geteuid() == 0 else ""
        return _AROUND.format(user=user, folder=self.folder, printed=printed)
