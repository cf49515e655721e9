"""The kinds of value that a setting can have: how each is read, shown and asked for.

A kind turns what a person wrote (TOML's own types, or the text of a flag or an
environment variable) into the value that the program uses, or says what to write
instead. It knows nothing of where the text came from.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
UNITS |= {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s*([A-Za-z]*)", re.ASCII)
WHOLE = re.compile(r"\s*\d{1,18}\s*", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value. `parse` raises ValueError; `wanted` completes "write …"."""

    parse: Callable[[object], object]
    show: Callable[[object], str]
    wanted: str
    choices: tuple[str, ...] = ()


def one_of(*choices: str) -> Kind:
    """One of some words."""

    def parse(raw: object) -> str:
        if str(raw).lower() not in choices:
            raise ValueError(raw)
        return str(raw).lower()

    return Kind(parse, str, " or ".join((", ".join(choices[:-1]), choices[-1])), choices)


def whole(low: int, high: int, what: str = "a whole number") -> Kind:
    """A whole number in a range, both ends included."""

    def parse(raw: object) -> int:
        number = _integer(raw)
        if not low <= number <= high:
            raise ValueError(raw)
        return number

    return Kind(parse, str, f"{what} from {low} to {high}")


def or_none(kind: Kind) -> Kind:
    """A kind that may also be left out, written as `none`."""

    def parse(raw: object) -> object:
        return None if _is_none(raw) else kind.parse(raw)

    def show(value: object) -> str:
        return "none" if value is None else kind.show(value)

    return Kind(parse, show, f"{kind.wanted}, or none", kind.choices)


def size(low: int, high: int) -> Kind:
    """A number of bytes in a range, with a unit if one likes."""

    def parse(raw: object) -> int:
        count = _bytes(raw)
        if not low <= count <= high:
            raise ValueError(raw)
        return count

    return Kind(parse, show_size, f"a size from {show_size(low)} to {show_size(high)}, like 64 MiB or 1.5 GB")


def show_size(value: object) -> str:
    """A size in the largest binary unit that divides it."""
    count = int(str(value))
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        step = UNITS[unit.upper()]
        if count and count % step == 0:
            return f"{count // step} {unit}"
    return str(count)


def _bytes(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    match = SIZE.fullmatch(str(raw).strip())
    if match is None or match[2].upper() not in UNITS:
        raise ValueError(raw)
    return int(Decimal(match[1]) * UNITS[match[2].upper()])


def _integer(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and WHOLE.fullmatch(raw):
        return int(raw)
    raise ValueError(raw)


def _is_none(raw: object) -> bool:
    return isinstance(raw, str) and raw.strip().lower() in {"", "none"}


def _parse_switch(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(raw).strip().lower()]
    except KeyError:
        raise ValueError(raw) from None


def _parse_text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip() or not raw.isprintable():
        raise ValueError(raw)
    return raw.strip()


def _parse_secret(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError("a secret")
    return raw


def _parse_path(raw: object) -> Path:
    return Path(_parse_text(raw)).expanduser()


def _parse_networks(raw: object) -> tuple[Network, ...]:
    if _is_none(raw):
        return ()
    texts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(texts, Sequence):
        raise ValueError(raw)
    return tuple(ipaddress.ip_network(str(text).strip()) for text in texts)


def _show_networks(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) and value else "none"


def _parse_url(raw: object) -> str:
    text = _parse_text(raw).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(raw)
    return text


SWITCH = Kind(_parse_switch, lambda value: str(value).lower(), "true or false", ("true", "false"))
TEXT = Kind(_parse_text, str, "a word without control characters")
SECRET = Kind(_parse_secret, lambda _: "(set, not shown)", "a password")
PATH = Kind(_parse_path, str, "a path")
PORT = whole(0, 65535, "a port")
NETWORKS = Kind(_parse_networks, _show_networks, "networks like 10.0.0.0/8, 192.168.1.7, or none")
URL = Kind(_parse_url, str, "an address like https://files.example.org/share")
