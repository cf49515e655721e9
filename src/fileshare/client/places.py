"""Where the client keeps its own files: tokens and settings, and the state of transfers.

The rules of each platform by hand (XDG, Application Support, AppData): they are ten
lines, and a package for them would be one more to install and to trust.
"""

import os
import sys
from collections.abc import Mapping

from msgspec import Struct

NAME = "fileshare"


class Places(Struct, frozen=True):
    """The client's two folders. They need not exist yet."""

    config: str
    """Tokens and `client.toml`."""
    state: str
    """Transfers that are half done, and `client.log`."""

    @classmethod
    def find(cls, environ: Mapping[str, str], platform: str = sys.platform) -> "Places":
        """The folders of this user; `FILESHARE_CLIENT_CONFIG_DIR` and `_STATE_DIR` override them."""
        config, state = _defaults(environ, platform)
        return cls(
            config=environ.get("FILESHARE_CLIENT_CONFIG_DIR") or config,
            state=environ.get("FILESHARE_CLIENT_STATE_DIR") or state,
        )


def _defaults(environ: Mapping[str, str], platform: str) -> tuple[str, str]:
    home = os.path.expanduser("~")
    if platform == "win32":
        roaming = environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
        local = environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(roaming, NAME), os.path.join(local, NAME)
    if platform == "darwin":
        support = os.path.join(home, "Library", "Application Support", NAME)
        return support, os.path.join(support, "state")
    return (
        os.path.join(_xdg(environ, "XDG_CONFIG_HOME", home, ".config"), NAME),
        os.path.join(_xdg(environ, "XDG_STATE_HOME", home, ".local", "state"), NAME),
    )


def _xdg(environ: Mapping[str, str], variable: str, home: str, *default: str) -> str:
    """A base folder of the XDG rules, which say that a relative one counts as unset."""
    given = environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.join(home, *default)


def make_private(folder: str) -> None:
    """Create a folder that only its owner can read. An existing one stays as it is."""
    os.makedirs(folder, mode=0o700, exist_ok=True)


def write_private(path: str, data: bytes) -> None:
    """Replace a file by `data`: whole or not at all, also across a power cut, mode 0600.

    Raises OSError. Another process that does the same at once leaves one of the two.
    """
    make_private(os.path.dirname(path))
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(path))


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable, where the system can (Windows has no such call)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
