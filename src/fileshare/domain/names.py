"""The only place that accepts or refuses a path or a name, and that numbers names.

A path is slash-separated names in NFC, relative to the root; the root itself is the
empty path, and only `parse_folder` takes it. What passes here may stand in the database,
on the wire and on a page; it still never becomes part of a path on the server's disk.
"""

import re
from typing import Final
from unicodedata import category, normalize

from fileshare.errors import BadName

MAX_NAME: Final = 255
"""Bytes of UTF-8 in one name: what the file systems of Linux, macOS and Windows take (NAME_MAX)."""

MAX_PATH: Final = 4096
"""Bytes of UTF-8 in a path: Linux's PATH_MAX, so that `export` can write what is stored."""

_MAX_GROWTH: Final = 4
"""NFC shrinks a text to a third at most (U+212A to "K"). Longer input is refused unread, because
ordering its combining marks takes quadratic time: 64 KiB of them hold the loop for seconds."""

_SHOWN: Final = 60
"""Characters of a refused name that its error repeats."""

_REFUSED: Final = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ud800-\udfff]")
"""Controls (category Cc), backslash, lone surrogates."""

_ZERO_WIDTH_JOINER: Final = "\u200d"


def parse_path(text: str) -> str:
    """The path of a file or folder, in NFC. Raises BadName, also for the root."""
    if not text:
        raise BadName("The name is empty: give the file or folder a name.")
    path = _normal(text)
    if len(path) * 4 > MAX_NAME:
        _check_lengths(path)
    return path


def parse_folder(text: str) -> str:
    """The path of a folder, in NFC; the empty text is the root. Raises BadName."""
    return parse_path(text) if text else ""


def parent_of(path: str) -> str:
    """The folder that holds `path`; the root is its own parent."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last name of `path`."""
    return path.rpartition("/")[2]


def join(folder: str, name: str) -> str:
    """The path of `name` in `folder`. Checks nothing: both have been parsed."""
    return f"{folder}/{name}" if folder else name


def numbered(name: str, number: int) -> str:
    """The name that the `number`th content of that name gets: report_v2.txt, archive_v2.tar.gz, .env_v2.

    `name` has been parsed. The stem is shortened on a character boundary where the
    result would pass 255 bytes, so that two long names may get the same one.
    """
    if number < 2:
        raise ValueError(f"the first content keeps its name; {number} is not a number for another")
    mark = f"_v{number}"
    stem, suffix = _split(name)
    room = MAX_NAME - len(mark) - len(suffix.encode())
    shortened = _shorten(stem, room)
    if not shortened:  # an "ending" that leaves no room for a stem is part of the name
        return _shorten(name, MAX_NAME - len(mark)) + mark
    return shortened + mark + suffix


def shown(text: str) -> str:
    """`text` in quotes for an error or a log: escaped where it would not print, and shortened."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _normal(text: str) -> str:
    """The text in NFC when each of its names may be one; lengths are checked later."""
    if (bad := _REFUSED.search(text)) is not None:
        raise BadName(_why_refused(text, bad.group()))
    names = text.split("/")
    for name in names:
        if name in ("", ".", ".."):
            raise BadName(_why_no_name(text, name))
    if text.isascii():
        return text
    if len(text) > MAX_PATH * _MAX_GROWTH or any(len(name) > MAX_NAME * _MAX_GROWTH for name in names):
        raise _too_long(text)
    return normalize("NFC", text)


def _check_lengths(path: str) -> None:
    """Refuse a name over 255 bytes and a path over 4,096."""
    for name in path.split("/"):
        if len(name.encode()) > MAX_NAME:
            raise _too_long(name)
    if len(path.encode()) > MAX_PATH:
        raise BadName(f"The path {shown(path)} is longer than {MAX_PATH} bytes: use fewer folders.")


def _too_long(name: str) -> BadName:
    return BadName(f"The name {shown(name)} is longer than {MAX_NAME} bytes in UTF-8: choose a shorter one.")


def _why_refused(text: str, bad: str) -> str:
    """The sentence for a character that no name may hold."""
    if bad == "\\":
        return f"The name {shown(text)} has a backslash: separate folders by '/', or rename the file."
    if "\ud800" <= bad <= "\udfff":
        return f"The name {shown(text)} is not valid Unicode (a lone surrogate): rename the file."
    return f"The name {shown(text)} has the control character {bad!a}: rename the file."


def _why_no_name(text: str, name: str) -> str:
    """The sentence for an empty or relative component."""
    if name:
        return f"The path {shown(text)} has {name!r} in it: give the path itself."
    return f"The path {shown(text)} has an empty name in it: leave out the '/' at its start, end or doubled."


def _split(name: str) -> tuple[str, str]:
    """Stem and ending, with its dot; `.tar.*` is one ending, and leading dots belong to the stem."""
    visible = name.lstrip(".")
    dots = len(name) - len(visible)
    stem, dot, ending = visible.rpartition(".")
    if not stem or not ending:
        return name, ""
    inner, inner_dot, inner_ending = stem.rpartition(".")
    if inner and inner_dot and inner_ending.lower() == "tar":
        stem, ending = inner, f"{inner_ending}.{ending}"
    return name[:dots] + stem, dot + ending


def _shorten(text: str, room: int) -> str:
    """The longest start of `text` that fits `room` bytes and does not end within a character.

    A character as a person sees it where that leaves anything, otherwise a code point.
    """
    if len(text.encode()) <= room:
        return text
    short = text.encode()[: max(room, 0)].decode(errors="ignore")
    end = len(short)
    while end and joined(text[end - 1], text[end]):
        end -= 1
    return short[:end] or short


def joined(left: str, right: str) -> bool:
    """Whether a cut between the two would split what a person sees as one character."""
    return (
        category(right).startswith("M")
        or _ZERO_WIDTH_JOINER in (left, right)
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # skin tones
    )
