"""Local names for what the server calls things, so that nothing is ever written elsewhere.

Names that come from the server are judged here before they touch the disk: they must
be what `domain.names` accepts, and lie below the folder that was asked for. A name that
the local system can't hold is escaped (`%XX`), one way only, and the caller is told.
"""

import os

from fileshare.domain import names
from fileshare.errors import BadName

_WINDOWS_REFUSES = frozenset('<>:"|?*\\')
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""Opening one of these, with any ending, reaches a device instead of a file."""


def below(folder: str, path: str) -> str:
    """`path` relative to `folder` (both remote). Raises BadName for a path that is not below it.

    The server is not trusted: an entry of a listing must be a proper path inside what was listed.
    """
    if names.parse_path(path) != path or (folder and not path.startswith(folder + "/")):
        raise BadName(f"The server told a name that can't be used here: {names.shown(path)}.")
    return path[len(folder) + 1 :] if folder else path


def local_name(path: str, *, windows: bool = os.name == "nt") -> str:
    """A relative remote path as a relative local one, with what can't be held escaped."""
    if not windows:
        return path
    return os.sep.join(_escape(name) for name in path.split("/"))


def remote_name(path: str, *, separator: str = os.sep) -> str:
    """A relative local path as a remote one, in NFC. Raises BadName."""
    return names.parse_path(path.replace(separator, "/"))


def _escape(name: str) -> str:
    escaped = "".join(_code(c) if c in _WINDOWS_REFUSES or ord(c) < 32 else c for c in name)
    if escaped[-1] in ". ":
        escaped = escaped[:-1] + _code(escaped[-1])
    if escaped.partition(".")[0].rstrip(" ").lower() in _WINDOWS_DEVICES:
        escaped = _code(escaped[0]) + escaped[1:]
    return escaped


def _code(character: str) -> str:
    return f"%{ord(character):02X}"
