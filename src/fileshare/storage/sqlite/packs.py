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
        edge = _edge(packed, first, after, with_it=not descending)
        start, stop = (start, edge) if descending else (edge, stop)
    find = packed.rfind if descending else packed.find
    while (at := find(query, start, stop)) >= 0:
        begin, end = packed.rfind(_LINE, 0, at) + 1, packed.find(_LINE, at)
        folded, found = _read(packed[begin:end], first)
        if query in folded:
            yield found
        start, stop = (start, begin) if descending else (end + 1, stop)


def _edge(packed: bytes, first: int, after: Named, *, with_it: bool) -> int:
    """Where the lines end that come before an entry, and its own `with_it`."""
    low, high = len(_LINE), len(packed)
    while low < high:
        begin = packed.rfind(_LINE, 0, (low + high) // 2) + 1
        end = packed.find(_LINE, begin)
        _, found = _read(packed[begin:end], first)
        if found < after or (with_it and found == after):
            low = end + 1
        else:
            high = begin
    return low


def _read(line: bytes, first: int) -> tuple[bytes, Named]:
    """What is compared, and whose it is."""
    names, _, (high, low) = line.partition(_NUMBER)
    folded, differs, name = names.partition(_NAME)
    number = (high - _DIGIT) * 64 + low - _DIGIT
    return folded, Named((name if differs else folded).decode(), first + number)


def _number(number: int) -> bytes:
    return _NUMBER + bytes((_DIGIT + number // 64, _DIGIT + number % 64))
