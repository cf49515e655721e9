"""Writes what a thread takes off a socket past the page cache: one buffer fills while another is written.

What was written is hashed while the next is being written, so that a part's offset and
digest never run ahead of its file. One write is in flight at most, in order: the file
has no holes, whenever the process is killed.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, NamedTuple

from fileshare.direct_io import DirectFile, aligned_buffers, place_in

WORTH: Final = 16 << 20
"""Bytes that have come through the page cache before: smaller files stay there for who reads them next."""

SIZE: Final = 1 << 20
"""Bytes of one write."""

AT_ONCE: Final = 16
"""Parts that may be written so at once, 32 MiB of buffers; others go through the page cache."""

LONGEST_WAIT: Final = 0.25
"""Seconds that bytes of a slow line wait in memory until their buffer is full."""

Start = Callable[[Callable[[], "Written"]], "Future[Written]"]


class Written(NamedTuple):
    """The end of a write: how many bytes the file took, and why not all."""

    done: int
    error: OSError | None


class Buffers:
    """Pairs of buffers, lent to one writer each; some are kept, as fresh memory costs more than a copy."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._left = at_once
        self._kept: list[tuple[memoryview, memoryview]] = []
        self._lock = threading.Lock()

    def take(self) -> tuple[memoryview, memoryview] | None:
        """A pair, or None when all are lent."""
        with self._lock:
            if not self._left:
                return None
            self._left -= 1
            if self._kept:
                return self._kept.pop()
        first, second = aligned_buffers(2, SIZE)
        return first, second

    def give_back(self, pair: tuple[memoryview, memoryview]) -> None:
        """Nobody reads or writes there any more."""
        with self._lock:
            self._left += 1
            self._kept.append(pair)


class DirectWriter:
    """The way of one upload's bytes into its file. Used by one thread at a time."""

    def __init__(
        self,
        file: DirectFile,
        buffers: tuple[memoryview, memoryview],
        start: Start,
        kept: Callable[[memoryview], None],
    ) -> None:
        """`start` runs a write in another thread; `kept` is told, in order,
        of bytes that the file holds now."""
        self.buffers: Final = buffers
        self._file = file
        self._start = start
        self._kept = kept
        self._turn = 0
        self._offset = 0
        self._place = buffers[0]
        self._filled = 0
        self._since = 0.0
        self._in_flight: tuple[Future[Written], memoryview] | None = None

    @property
    def empty(self) -> bool:
        """Whether all that was taken is in the file, and was told to be."""
        return not self._filled and self._in_flight is None

    def begin(self, offset: int) -> None:
        """While `empty`: the file holds `offset` bytes now."""
        self._offset = offset
        self._place = place_in(self.buffers[self._turn], offset)

    @property
    def in_flight(self) -> "Future[Written] | None":
        """The write that may still be going on."""
        return self._in_flight[0] if self._in_flight is not None else None

    def room(self, limit: int) -> memoryview:
        """Where the next bytes may be put, at most `limit`."""
        return self._place[self._filled : self._filled + limit]

    def took(self, count: int) -> None:
        """The first `count` bytes of the last room are to be kept. Raises OSError of any write so far."""
        now = time.monotonic()
        if not self._filled:
            self._since = now
        self._filled += count
        if self._filled == len(self._place):
            self._hand_over()
        elif now - self._since > LONGEST_WAIT:
            self.drain()

    def drain(self) -> None:
        """All that was taken is in the file on return. Raises OSError."""
        if self._filled:
            self._hand_over()
        self._hash(self._end_of_flight())

    def abandon(self) -> None:
        """Keep nothing more. Returns when nothing is being written any more."""
        self._filled = 0
        flight, self._in_flight = self._in_flight, None
        if flight is not None:
            flight[0].result()

    def _hand_over(self) -> None:
        """Begin to write what is filled once what was before is written, and hash that meanwhile."""
        before = self._end_of_flight()
        view, offset = self._place[: self._filled], self._offset
        self._in_flight = self._start(lambda: _write(self._file, view, offset)), view
        self._offset += len(view)
        self._turn = 1 - self._turn
        self._place = place_in(self.buffers[self._turn], self._offset)
        self._filled = 0
        self._hash(before)

    def _end_of_flight(self) -> memoryview | None:
        """Wait for the write in flight; returns what it wrote. Raises OSError, after telling what was."""
        if self._in_flight is None:
            return None
        future, view = self._in_flight
        written = future.result()
        self._in_flight = None
        if written.error is not None:
            self._filled = 0
            self._hash(view[: written.done])
            raise written.error
        return view

    def _hash(self, view: memoryview | None) -> None:
        if view is not None:
            self._kept(view)


def _write(file: DirectFile, view: memoryview, offset: int) -> Written:
    """All of it, or as much as the disk takes."""
    done = 0
    try:
        while done < len(view):
            done += file.write(view[done:], offset + done)
    except OSError as error:
        return Written(done, error)
    return Written(done, None)
