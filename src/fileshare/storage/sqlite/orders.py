"""The entries of a pack by size or by time: what a search reads that is not ordered by name.

Of each order a pack keeps three columns: the values and where the lines begin, by line,
and the lines ordered by value. Lines come by name, so that equal values are in order too.
Part of the database's format, as the packs are.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from fileshare.storage.sqlite import packs
from fileshare.storage.sqlite.packs import Named

FEW_LINES: Final = 250
"""Lines up to which each is tried: as quick as looking through all names of the pack."""

WALKED: Final = 16
"""Lines that are tried for each that matches, and at first twice as many; where fewer do, what matches is
looked for among all names, and put in order."""

ALIKE: Final = 16
"""Entries of one value from which on it is worth finding out where among them a page begins or ends."""

_COLUMNS: Final = (("q", 8), ("I", 4), ("H", 2))
"""Values, beginnings, lines, and the bytes of one of each."""


class Key(NamedTuple):
    """In this order the entries of a search are shown; `value` is 0 where names alone decide."""

    value: int
    name: str
    id: int


def order(packed: bytes, values: Sequence[int]) -> bytes:
    """The order of a pack whose lines have these values."""
    lines = sorted(range(len(values)), key=values.__getitem__)
    columns = array("q", values), array("I", packs.starts(packed)), array("H", lines)
    return b"".join(_little(column).tobytes() for column in columns)


class Ordered:
    """What matches in a pack, by value."""

    def __init__(self, packed: bytes, first: int, kept: bytes) -> None:
        self._packed = packed
        self._first = first
        self._values, self._starts, self._lines = _columns(kept)
        self._starts.append(len(packed))

    def hits(
        self, query: bytes, *, at: int | None, after: Key | None, last: Key | None, descending: bool
    ) -> Iterator[Key]:
        """The entries whose folded name holds `query`, in order, with all of those between two entries.

        Some before `after` and behind `last` may be among them. `at` is where the pack holds `query` first,
        None where nobody has looked.
        """
        begin, end = self._between(last, after) if descending else self._between(after, last)
        is_little = end - begin <= FEW_LINES
        packed, starts, lines = self._packed, self._starts, self._lines
        if at is None:
            at = 0 if is_little else packed.find(query)
        if at < 0:
            return
        limit = 2 * WALKED
        for tried, position in enumerate(range(end - 1, begin - 1, -1) if descending else range(begin, end)):
            if tried > limit and not is_little:
                rest = (begin, position + 1) if descending else (position, end)
                yield from self._looked_for(query, at, *rest, descending=descending)
                return
            line = lines[position]
            if packed.find(query, starts[line], starts[line + 1]) >= 0 and self._matches(line, query):
                limit += WALKED
                yield self._key(line)

    def _matches(self, line: int, query: bytes) -> bool:
        return packs.matches(self._packed, self._starts[line], query)

    def _between(self, low: Key | None, high: Key | None) -> tuple[int, int]:
        """The positions in the order between two entries, which may be in other packs; or a few more."""
        return (
            0 if low is None else self._around(low)[0],
            len(self._lines) if high is None else self._around(high)[1],
        )

    def _around(self, key: Key) -> tuple[int, int]:
        """The positions of an entry's value; where those are many, of the entry alone or its next."""
        value = self._values.__getitem__
        begin = bisect_left(self._lines, key.value, key=value)
        end = bisect_right(self._lines, key.value, begin, key=value)
        if end - begin <= ALIKE:
            return begin, end
        start = packs.edge(self._packed, self._first, Named(key.name, key.id), with_it=False)
        line = bisect_left(self._starts, start)
        begin = bisect_left(self._lines, line, begin, end)
        return begin, min(begin + 1, end)

    def _looked_for(self, query: bytes, at: int, begin: int, end: int, *, descending: bool) -> Iterator[Key]:
        """What matches between two positions, when all that matches from `at` on was found first."""
        low, high = self._place(self._lines[begin]), self._place(self._lines[end - 1])
        lines = (bisect_right(self._starts, at) - 1 for at in packs.matching(self._packed, query, at))
        places = ((self._values[line], line) for line in lines)
        for _, line in sorted((place for place in places if low <= place <= high), reverse=descending):
            yield self._key(line)

    def _place(self, line: int) -> tuple[int, int]:
        return self._values[line], line

    def _key(self, line: int) -> Key:
        return Key(self._values[line], *packs.named(self._packed, self._starts[line], self._first))


def _columns(kept: bytes) -> "list[array[int]]":
    columns: list[array[int]] = []
    count = len(kept) // sum(size for _, size in _COLUMNS)
    begin = 0
    for code, size in _COLUMNS:
        column = array(code)
        column.frombytes(kept[begin : begin + count * size])
        columns.append(_little(column))
        begin += count * size
    return columns


def _little(column: "array[int]") -> "array[int]":
    """As it is kept, or back: the lowest byte first, whatever the processor."""
    if sys.byteorder == "big":
        column.byteswap()
    return column
