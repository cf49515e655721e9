"""Where the peers that are no Debian packages live: below a folder that git ignores."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "peers"

PYTHON = FOLDER / "python"
"""A virtual environment of their own, so that nothing of theirs comes into fileshare's."""

PROGRAMS = PYTHON / "bin"

NODE = FOLDER / "node"
"""Our two scripts beside the npm packages that they import."""

NODE_SOURCE = Path(__file__).resolve().parent / "node"
"""The same scripts, and the lock file that the packages are fetched by."""


def manifest(package: str) -> Path:
    """Return the file that an npm package has when it is there."""
    return NODE / "node_modules" / package / "package.json"
