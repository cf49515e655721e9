"""Installs the peers' Debian packages: python3 -m benchmarks.install, as root.

It needs nothing but Python itself. It must leave no service running: the benchmark starts servers of its own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import known

# Debian's packages ask this program before they start a service; 101 means "not allowed" (invoke-rc.d(8)).
_POLICY = Path("/usr/sbin/policy-rc.d")
_DENY = "#!/bin/sh\nexit 101\n"


def main() -> int:
    """Install what is missing; return an exit code."""
    wanted = sorted({package for peer in known().values() if peer.missing() for package in peer.packages})
    if not wanted:
        print("Every peer is there already.")
        return 0
    if shutil.which("apt-get") is None:
        print(f"This system has no apt-get; install by its own means: {' '.join(wanted)}.", file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        print(
            f"Only root can install packages: run this again as root, to install {' '.join(wanted)}.",
            file=sys.stderr,
        )
        return 1
    return _install(wanted)


def _install(packages: list[str]) -> int:
    print(f"Installing {' '.join(packages)}; no service is started.", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    with _services_stay_down():
        for command in (["apt-get", "update"], install):
            code = subprocess.run(command, env=environ, check=False).returncode
            if code != 0:
                return code
    return 0


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep packages from starting their services; a policy that the machine already has stays in charge."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text(_DENY)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


if __name__ == "__main__":
    sys.exit(main())
