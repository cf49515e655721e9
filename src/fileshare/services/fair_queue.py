"""A bounded line in which everybody gets turns, however much one asks for.

One line per group, served in rotation. When all is full the longest line gives way,
so that a flood from one address takes places from itself.
"""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """At most `total` items, and `per_group` of one group."""

    def __init__(self, total: int, per_group: int) -> None:
        self._total = total
        self._per_group = per_group
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, group: str, item: T) -> T | None:
        """Add an item at its group's end; returns the item that finds no room, which may be this one."""
        own = len(self._lines.get(group, ()))
        if own >= self._per_group:
            return item
        if self._length < self._total:
            self._append(group, item)
            return None
        longest = max(self._lines.values(), key=len)
        if len(longest) <= own + 1:
            return item
        evicted = longest.pop()  # two at least, so the line stays
        self._length -= 1
        self._append(group, item)
        return evicted

    def take(self) -> T:
        """The next item of the group whose turn it is. Raises IndexError when there is none."""
        if not self._lines:
            raise IndexError("the queue is empty")
        group, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[group] = line
        self._length -= 1
        return item

    def _append(self, group: str, item: T) -> None:
        self._lines.setdefault(group, deque()).append(item)
        self._length += 1
