"""The entries of a pack by size or by time: what a search reads that is not ordered by name.

Of each order a pack keeps two columns: the values by line, and the lines ordered by value.
Lines come by name, so that equal values are in order too. Part of the database's format,
as the packs are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from fileshare.storage.sqlite import packs
from fileshare.storage.sqlite.columns import Column, to_bytes, to_column
from fileshare.storage.sqlite.packs import Named, Wanted

WALKED: Final = 64
"""One line of so many is tried before the first that matches, twice as many between each and the next, and
four times as many in all. Then what matches is looked for among all names and put in order: as dear."""

ALIKE: Final = 16
"""Entries of one value from which on it is worth finding out where among them a page begins."""

_VALUE: Final = "q"
_INDEX: Final = "H"
"""Of a line, of which a pack has at most 65,536."""


class Key(NamedTuple):
    """In this order the entries of a search are shown; `value` is 0 where names alone decide."""

    value: int
    name: str
    id: int


class Order(NamedTuple):
    """An order of a pack: the values by line, and the lines by value."""

    values: Column
    lines: Column


def order(values: Sequence[int]) -> bytes:
    """The order of a pack whose lines have these values."""
    lines = sorted(range(len(values)), key=values.__getitem__)
    return to_bytes(_VALUE, values) + to_bytes(_INDEX, lines)


def to_order(kept: bytes) -> Order:
    """The order that `order` wrote."""
    count = len(kept) // (array(_VALUE).itemsize + array(_INDEX).itemsize)
    middle = count * array(_VALUE).itemsize
    return Order(to_column(_VALUE, kept[:middle]), to_column(_INDEX, kept[middle:]))


class Ordered:
    """What matches in a pack, by value."""

    def __init__(self, packed: bytes, first: int, starts: Column, order: Order) -> None:
        self._packed = packed
        self._first = first
        self._starts = starts
        self._values, self._lines = order

    def hits(self, query: bytes, *, wanted: Wanted, after: Key | None, descending: bool) -> Iterator[Key]:
        """The wanted entries whose folded name holds `query`, in order, with all of those behind `after`.

        Some before it may be among them.
        """
        begin, end = 0, len(self._lines)
        if after is not None:
            low, high = self._around(after)
            begin, end = (begin, high) if descending else (low, end)
        for line in self._matching(query, begin, end, descending=descending):
            if wanted(packs.number(self._packed, self._end(line))):
                yield Key(self._values[line], *packs.named(self._packed, self._starts[line], self._first))

    def _matching(self, query: bytes, begin: int, end: int, *, descending: bool) -> Iterator[int]:
        """The lines that match between two positions, in order."""
        packed, starts, lines = self._packed, self._starts, self._lines
        allowed = limit = len(lines) // WALKED
        for tried, position in enumerate(range(end - 1, begin - 1, -1) if descending else range(begin, end)):
            if tried > limit:
                rest = (begin, position + 1) if descending else (position, end)
                yield from self._looked_for(query, *rest, descending=descending)
                return
            line = lines[position]
            start = starts[line]
            found = packed.find(query, start, self._end(line))
            if found >= 0 and packs.is_folded(packed, start, found, query):
                limit = min(tried + 2 * allowed, 4 * allowed)
                yield line

    def _end(self, line: int) -> int:
        """Where a line ends."""
        following = line + 1
        return (self._starts[following] if following < len(self._starts) else len(self._packed)) - 1

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

    def _looked_for(self, query: bytes, begin: int, end: int, *, descending: bool) -> Iterator[int]:
        """What matches between two positions of the order."""
        low, high = self._place(self._lines[begin]), self._place(self._lines[end - 1])
        found = [line for line in self._by_name(query) if low <= self._place(line) <= high]
        found.sort(key=self._values.__getitem__)
        yield from reversed(found) if descending else found

    def _by_name(self, query: bytes) -> Iterator[int]:
        """The lines that match, by name."""
        packed, starts, following = self._packed, self._starts, 0
        for found in packs.every(query, packed, 0):
            line = bisect_right(starts, found, following) - 1
            if line >= following and packs.is_folded(packed, starts[line], found, query):
                following = line + 1
                yield line

    def _place(self, line: int) -> tuple[int, int]:
        return self._values[line], line
