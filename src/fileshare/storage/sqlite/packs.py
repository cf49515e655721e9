"""The form of a pack: many names in one value, in order, each line with what a search compares.

A line is the folded name, the name itself where it differs, and the entry's number in
the pack. No name holds a control character, so what separates the parts is in none of
them; numbers are written in bytes that no UTF-8 text holds on their own. Part of the
database's format: another form, or another `SIZE`, takes a migration that empties packs.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

SIZE: Final = 4096
"""Ids that one pack covers, some 150 KiB: read and looked through in a tenth of a millisecond,
written anew in ten. Two digits of base 64 tell an entry's number in it."""

_LINE: Final = b"\n"
_NAME: Final = b"\x02"
_NUMBER: Final = b"\x03"
_DIGIT: Final = 0x80
_SEPARATORS: Final = "\n\x02\x03"


class Named(NamedTuple):
    """An entry as packs know it. In this order entries of one kind are listed by name."""

    name: str
    id: int


def is_in_no_name(query: str) -> bool:
    """Whether no name can hold it: one of the separators, or half a character."""
    return any(character in _SEPARATORS or "\ud800" <= character <= "\udfff" for character in query)


def pack(first: int, entries: Iterable[tuple[int, str, str | None]]) -> bytes:
    """The pack of entries (id, name, folded name where it differs), which come ordered by name and id."""
    lines = [
        (name if folded is None else f"{folded}\x02{name}").encode() + _number(entry_id - first)
        for entry_id, name, folded in entries
    ]
    return _LINE + b"".join(line + _LINE for line in lines)


def hits(
    packed: bytes, first: int, query: bytes, *, after: Named | None = None, descending: bool = False
) -> Iterator[Named]:
    """The entries of a pack whose folded name holds `query`, in order, from behind `after` on."""
    start, stop = len(_LINE), len(packed)
    if after is not None:
        found = edge(packed, first, after, with_it=not descending)
        start, stop = (start, found) if descending else (found, stop)
    for begin in matching(packed, query, start, stop, descending=descending):
        yield named(packed, begin, first)


def matching(
    packed: bytes, query: bytes, start: int = 1, stop: int | None = None, *, descending: bool = False
) -> Iterator[int]:
    """Where the lines between two places begin whose folded name holds `query`, in order."""
    stop = len(packed) if stop is None else stop
    find = packed.rfind if descending else packed.find
    while (at := find(query, start, stop)) >= 0:
        begin, end = packed.rfind(_LINE, 0, at) + 1, packed.find(_LINE, at)
        if matches(packed, begin, query):
            yield begin
        start, stop = (start, begin) if descending else (end + 1, stop)


def matches(packed: bytes, begin: int, query: bytes) -> bool:
    """Whether the folded name of the line that begins there holds `query`."""
    line = packed[begin : packed.find(_NUMBER, begin)]
    return query in line and query in line.partition(_NAME)[0]


def starts(packed: bytes) -> Iterator[int]:
    """Where each line begins."""
    begin = len(_LINE)
    while begin < len(packed):
        yield begin
        begin = packed.find(_LINE, begin) + 1


def edge(packed: bytes, first: int, after: Named, *, with_it: bool) -> int:
    """Where the lines end that come before an entry, and its own `with_it`."""
    low, high = len(_LINE), len(packed)
    while low < high:
        begin = packed.rfind(_LINE, 0, (low + high) // 2) + 1
        found = named(packed, begin, first)
        if found < after or (with_it and found == after):
            low = packed.find(_LINE, begin) + 1
        else:
            high = begin
    return low


def named(packed: bytes, begin: int, first: int) -> Named:
    """Whose the line is that begins there."""
    names, _, (high, low) = packed[begin : packed.find(_LINE, begin)].partition(_NUMBER)
    folded, differs, name = names.partition(_NAME)
    number = (high - _DIGIT) * 64 + low - _DIGIT
    return Named((name if differs else folded).decode(), first + number)


def _number(number: int) -> bytes:
    return _NUMBER + bytes((_DIGIT + number // 64, _DIGIT + number % 64))
