"""The form of a pack: many names in one value, in order, each line with what a search compares.

A line is the folded name, the name itself where it differs, and the entry's number in
the pack. No name holds a control character, so what separates the parts is in none of
them; numbers are written in bytes that no UTF-8 text holds on their own. Part of the
database's format: another form, or another size, takes a migration that empties packs.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

SIZE: Final = 4096
"""Ids that a pack covers at first, some 150 KiB: as many rows a search reads that are in no pack yet."""

LARGE: Final = 16 * SIZE
"""Ids that a pack covers in the end, some 2.4 MB: what a search does once for each pack is then little.
Three digits of base 64 tell an entry's number in it."""

_LINE: Final = b"\n"
_NAME: Final = b"\x02"
_NUMBER: Final = b"\x03"
_DIGIT: Final = 0x80
_SEPARATORS: Final = "\n\x02\x03"

Wanted = Callable[[int], bool]
"""Whether the entry of that number in the pack is asked for."""


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
    packed: bytes,
    first: int,
    query: bytes,
    *,
    wanted: Wanted,
    after: Named | None = None,
    descending: bool = False,
) -> Iterator[Named]:
    """The wanted entries of a pack whose folded name holds `query`, in order, from behind `after` on."""
    start, stop = len(_LINE), len(packed)
    if after is not None:
        found = edge(packed, first, after, with_it=not descending)
        start, stop = (start, found) if descending else (found, stop)
    for begin in (backwards if descending else matching)(packed, query, start, stop):
        if wanted(number(packed, packed.find(_LINE, begin))):
            yield named(packed, begin, first)


def matching(packed: bytes, query: bytes, start: int = 1, stop: int | None = None) -> Iterator[int]:
    """Where the lines between two places begin whose folded name holds `query`, in order."""
    end = start
    for at in every(query, packed, start, stop):
        if at >= end:
            begin, end = packed.rfind(_LINE, 0, at) + 1, packed.find(_LINE, at)
            if is_folded(packed, begin, at, query):
                yield begin


def every(query: bytes, packed: bytes, start: int, stop: int | None = None) -> Iterator[int]:
    """Where `query` stands between two places. Expressions find up to three times as fast as `find`."""
    expression = re.compile(re.escape(query))
    stop = len(packed) if stop is None else stop
    return map(re.Match.start, expression.finditer(packed, start, stop))


def backwards(packed: bytes, query: bytes, start: int = 1, stop: int | None = None) -> Iterator[int]:
    """The same from the end."""
    stop = len(packed) if stop is None else stop
    while (at := packed.rfind(query, start, stop)) >= 0:
        stop = packed.rfind(_LINE, 0, at) + 1
        if is_folded(packed, stop, at, query):
            yield stop


def is_folded(packed: bytes, begin: int, at: int, query: bytes) -> bool:
    """Whether a line that holds `query` at a place holds it in its folded name."""
    name = packed.find(_NAME, begin, at)
    return name < 0 or packed.find(query, begin, name) >= 0


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
    end = packed.find(_LINE, begin)
    folded, differs, name = packed[begin : packed.find(_NUMBER, begin)].partition(_NAME)
    return Named((name if differs else folded).decode(), first + number(packed, end))


def number(packed: bytes, end: int) -> int:
    """The number of the entry whose line ends there."""
    high, middle, low = packed[end - 3 : end]
    return ((high - _DIGIT) * 64 + middle - _DIGIT) * 64 + low - _DIGIT


def _number(number: int) -> bytes:
    return _NUMBER + bytes((_DIGIT + number // 4096, _DIGIT + number // 64 % 64, _DIGIT + number % 64))
