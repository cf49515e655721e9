"""The client's settings: one name each as flag, environment variable and TOML key.

Flags win over `FILESHARE_CLIENT_…`, that over `client.toml` in the config folder, that
over the server of the last login, that over the defaults. Never holds a secret.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from fileshare.client.rate import parse_rate
from fileshare.errors import BadRequest

PREFIX = "FILESHARE_CLIENT_"


class Settings(Struct, frozen=True, kw_only=True):
    """What is in force for one command."""

    host: str = "localhost"
    port: int = 9000
    tls: bool = False
    ca: str = ""
    download_dir: str = "."
    retry_seconds: float = 300.0
    jobs: int = 1
    limit_rate: int | None = None
    log_level: str = "info"
    chosen: frozenset[str] = frozenset()
    """The names that somebody set, as against those at their defaults."""


def _text(value: object) -> str:
    return str(value)


def _port(value: object) -> int:
    return _whole(value, 1, 65535)


def _jobs(value: object) -> int:
    return _whole(value, 1, 64)


def _whole(value: object, least: int, most: int) -> int:
    text = str(value)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise BadRequest(f"must be a whole number from {least} to {most}")
    return int(text)


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 10**9:
        raise BadRequest("must be a number of seconds")
    return seconds


def _flag(value: object) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False}
    found = known.get(str(value).lower())
    if found is None:
        raise BadRequest("must be true or false")
    return found


def _rate(value: object) -> int | None:
    return parse_rate(str(value)) if str(value) not in ("", "0") else None


def _level(value: object) -> str:
    if str(value).lower() not in ("debug", "info", "warning", "error"):
        raise BadRequest("must be debug, info, warning or error")
    return str(value).lower()


KINDS: dict[str, tuple[Callable[[object], object], str]] = {
    "host": (_text, "the server's name or address"),
    "port": (_port, "the server's TCP port"),
    "tls": (_flag, "speak TLS; remembered at login, and never given up"),
    "ca": (_text, "PEM file of the authority that signed the server's certificate"),
    "download_dir": (_text, "where downloads go"),
    "retry_seconds": (_seconds, "give up after that long without progress"),
    "jobs": (_jobs, "how many connections move files at once"),
    "limit_rate": (_rate, "most bytes per second, such as 500K or 2M"),
    "log_level": (_level, "how much client.log tells: debug, info, warning, error"),
}
"""Every setting: how its value is read, and its one line of documentation."""


def load(flags: Mapping[str, object], environ: Mapping[str, str], config_folder: str) -> Settings:
    """The settings in force. `flags` holds what was given; None means not given. Raises BadRequest."""
    found: dict[str, Any] = {}  # each kind gives the type of its field
    for name, value in _from_file(os.path.join(config_folder, "client.toml")).items():
        found[name] = _read(name, value, "client.toml")
    for name in KINDS:
        value = environ.get(PREFIX + name.upper())
        if value:
            found[name] = _read(name, value, PREFIX + name.upper())
    for name, value in flags.items():
        if name in KINDS and value is not None:
            found[name] = _read(name, value, "--" + name.replace("_", "-"))
    return Settings(**found, chosen=frozenset(found))


def _read(name: str, value: object, whence: str) -> object:
    if name not in KINDS:
        raise BadRequest(f"{whence}: there is no setting {name!r}; known are {', '.join(KINDS)}.")
    try:
        return KINDS[name][0](value)
    except BadRequest as error:
        raise BadRequest(f"{whence}: {name} {error.message}.") from None


def _from_file(path: str) -> dict[str, Any]:
    if not os.path.exists(path):
        return {}
    import tomllib  # costs 5 ms of a start-up that most users don't need it in

    with open(path, "rb") as file:
        try:
            return tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadRequest(f"{path} is not TOML: {error}.") from None
