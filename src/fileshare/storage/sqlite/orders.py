"""The entries of a pack by size or by time: what a search reads that is not ordered by name.

Of each order a pack keeps two columns: the values by line, and the lines ordered by value.
Lines come by name, so that equal values are in order too. Part of the database's format,
as the packs are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import repeat
from typing import Final, NamedTuple

from fileshare.storage.sqlite import packs
from fileshare.storage.sqlite.columns import Column, to_bytes, to_column
from fileshare.storage.sqlite.packs import Named, Wanted

STEP: Final = 1024
"""After one line of so many it is asked whether trying more is quicker than looking for what matches."""

MOST: Final = 16
"""One line of so many is tried at most: what matches may all lie outside the folder that is searched."""

OTHERS: Final = 32
"""What was found in other packs tells as much of a pack as one of so many of its own lines."""

SHORT: Final = 5
"""To look through all names for a query of so many bytes, or more, takes as long as to try one line of sixty;
for a shorter one it takes longer. Each match there is as dear as a try."""

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


class Pace:
    """How much matched of what a search has read so far, and so which way is quicker from there on.

    Its packs share it, since a word that is rare in one is mostly rare in the next.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        """Entries that each line of a pack adds to the page, if all add alike."""
        self._read = self._found = 0

    def note(self, read: int, found: int) -> None:
        """So many lines were read, and so many of them matched."""
        self._read += read
        self._found += found

    def is_quicker_by_name(self, query: bytes, lines: int, tried: int, found: int) -> bool:
        """Whether a pack of so many lines is better looked through, after some that were tried and noted."""
        others = lines / OTHERS
        often = (found + others * self._found / self._read) / (tried + others)
        dear = lines * (SHORT / min(len(query), SHORT) / 60 + often)
        return tried > lines / MOST or self._share * lines > often * dear


class Ordered:
    """What matches in a pack, by value."""

    def __init__(self, packed: bytes, first: int, starts: Column, order: Order, pace: Pace) -> None:
        self._packed = packed
        self._first = first
        self._starts = starts
        self._values, self._lines = order
        self._pace = pace

    def hits(self, query: bytes, *, wanted: Wanted, after: Key | None, descending: bool) -> Iterator[Key]:
        """The wanted entries whose folded name holds `query`, in order, with all of those behind `after`.

        Some before it may be among them.
        """
        begin, end = 0, len(self._lines)
        if after is not None:
            low, high = self._around(after)
            begin, end = (begin, high) if descending else (low, end)
        for line in self._matching(query, begin, end, descending=descending):
            if wanted(packs.number(self._packed, self._ends[line] - 1)):
                yield Key(self._values[line], *packs.named(self._packed, self._starts[line], self._first))

    def _matching(self, query: bytes, begin: int, end: int, *, descending: bool) -> Iterator[int]:
        """The lines that match between two positions, in order."""
        lines, step = self._lines, max(1, len(self._lines) // STEP)
        tried = matched = 0
        while begin < end:
            if tried and self._pace.is_quicker_by_name(query, len(lines), tried, matched):
                yield from self._looked_for(query, begin, end, descending=descending)
                return
            middle = max(begin, end - step) if descending else min(begin + step, end)
            some = lines[middle:end][::-1] if descending else lines[begin:middle]
            before = matched
            for line in self._tried(query, some):
                matched += 1
                yield line
            tried += len(some)
            self._pace.note(len(some), matched - before)
            begin, end = (begin, middle) if descending else (middle, end)

    def _tried(self, query: bytes, lines: Column) -> Iterator[int]:
        """Which of some lines match."""
        packed, start = self._packed, self._starts.__getitem__
        where = map(packed.find, repeat(query), map(start, lines), map(self._ends.__getitem__, lines))
        for line, found in zip(lines, where, strict=True):
            if found >= 0 and packs.is_folded(packed, start(line), found, query):
                yield line

    @cached_property
    def _ends(self) -> Column:
        """Where the line behind each begins."""
        ends = self._starts[1:]
        ends.append(len(self._packed))
        return ends

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
        every = list(self._by_name(query))
        self._pace.note(len(self._lines), len(every))
        found = [line for line in every if low <= self._place(line) <= high]
        found.sort(key=self._place, reverse=descending)
        yield from found

    def _by_name(self, query: bytes) -> Iterator[int]:
        """The lines that match, the last name first: `rfind` is mostly the quickest to find them."""
        line = len(self._starts)
        for begin in packs.backwards(self._packed, query):
            line = bisect_left(self._starts, begin, 0, line)
            yield line

    def _place(self, line: int) -> tuple[int, int]:
        return self._values[line], line
