"""scp against an sshd of its own with throw-away keys: what people reach for first. It syncs nothing."""

import os
import subprocess
from pathlib import Path
from typing import ClassVar

from benchmarks.peer import Command, Peer, printed_version, program
from benchmarks.server import Server, free_port

# StrictModes is off, since the modes of the folders above the keys are the caller's business; nobody but the
# holder of the throw-away key can log in, and only from this machine.
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/sshd.pid
Subsystem sftp internal-sftp
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""

# sshd as root insists on this empty folder; Debian makes it when the service starts.
_PRIVILEGE_SEPARATION = Path("/run/sshd")


class Scp(Peer):
    """scp, over SFTP as it does since OpenSSH 9."""

    name: ClassVar[str] = "scp"
    programs: ClassVar[tuple[str, ...]] = ("sshd", "ssh-keygen", "ssh", "scp")
    packages: ClassVar[tuple[str, ...]] = ("openssh-server", "openssh-client")

    @classmethod
    def version(cls) -> str:
        """Return OpenSSH's own name and version."""
        return printed_version(r"OpenSSH_[^\s,]+", "ssh", "-V")

    def launch(self) -> Server:
        """Make the keys and start sshd."""
        self._port = free_port()
        for key in ("host_key", "user_key"):
            argv = (
                program("ssh-keygen"),
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                "",
                "-f",
                str(self.folder / key),
            )
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        if os.geteuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(_CONFIG.format(port=self._port, folder=self.folder))
        server = Server(
            (program("sshd"), "-D", "-e", "-f", str(config)), self.folder / "server.log", self.environ
        )
        server.await_port(self._port)
        return server

    def upload_file(self, source: Path, name: str) -> Command:
        """Copy one file there."""
        return self._scp(str(source), self._remote(name))

    def download_file(self, name: str, target: Path) -> Command:
        """Copy one file here."""
        return self._scp(self._remote(name), str(target))

    def upload_tree(self, source: Path, name: str) -> Command:
        """Copy a folder there; the new name is taken since no folder of it exists."""
        return self._scp("-r", str(source), self._remote(name))

    def download_tree(self, name: str, target: Path) -> Command:
        """Copy a folder here."""
        return self._scp("-r", self._remote(name), str(target))

    def _scp(self, *arguments: str) -> Command:
        options = {
            "Port": str(self._port),
            "IdentityFile": str(self.folder / "user_key"),
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
        }
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        return Command((program("scp"), "-F", "none", "-q", *flags, *arguments))

    def _remote(self, name: str) -> str:
        return f"127.0.0.1:{self.store / name}"
