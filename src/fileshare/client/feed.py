"""What is still to be done, for all connections of a run, found while it is being done.

Looks ahead by some files for each one that is taken: the total is known early, nothing
has to wait for a long walk, and a tree of millions takes no memory.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from fileshare.client.reports import Reporter

_LOOK_AHEAD = 8
"""After an eighth of the work the total is known."""
_MOST_AHEAD = 20_000
"""Files that were found and not yet taken: some 10 MB."""

T = TypeVar("T")


class Feed(Generic[T]):
    """Things to do, one at a time, to whoever asks."""

    def __init__(self, found: Iterator[T], size_of: Callable[[T], int | None], reporter: Reporter) -> None:
        """`size_of`: bytes of a file; None for what is no file and does not count."""
        self._found = found
        self._size_of = size_of
        self._reporter = reporter
        self._ahead: deque[T] = deque()
        self._lock = threading.Lock()

    def take(self) -> T | None:
        """The next thing to do, or None at the end."""
        with self._lock:
            if len(self._ahead) < _MOST_AHEAD:
                self._look_ahead()
            return self._ahead.popleft() if self._ahead else None

    def _look_ahead(self) -> None:
        files = size = 0
        for thing in self._found:
            self._ahead.append(thing)
            found = self._size_of(thing)
            if found is not None:
                files, size = files + 1, size + found
                if files == _LOOK_AHEAD:
                    break
        if files:
            self._reporter.found(files, size)
