"""Hashes a file in a thread while it grows: from memory where the bytes still are, else from the disk.

A download that begins is hashed from the buffers it came in, and waits for the hashing
when that is slower. One that goes on begins with what is on the disk, however much,
while new bytes come in and are written: the line must not wait minutes for that.
"""

import errno
import hashlib
import threading
from collections import deque
from collections.abc import Callable
from io import FileIO

from msgspec import Struct

from fileshare.errors import IntegrityError

PIECE = 1 << 20
"""Bytes of one buffer, and of one read from the disk."""

_BUFFERS = 4
"""One is filled, one hashed, two even out: more gained nothing (design, section 9)."""

_LEAST = 64 << 10
"""A buffer with less room than that is full: a socket gives more at once."""

Told = Callable[[int, int], None]


class _Held(Struct, frozen=True):
    """Bytes of the file that are in memory as well."""

    offset: int
    buffer: int
    data: memoryview


class Follower:
    """The digest of a file to which one other thread appends."""

    def __init__(self, path: str, there: int, told: Told | None) -> None:
        """`there`: bytes in the file already; `told(count, there)` hears of them being hashed."""
        self._path = path
        self._there = there
        self._told = told
        self._limit = there
        self._done = 0
        self._closed = False
        self._stopped = False
        self._digest = hashlib.sha256()
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._buffers = [memoryview(bytearray(PIECE)) for _ in range(_BUFFERS)]
        self._turn = 0
        self._filled = 0
        self._held: deque[_Held] = deque()

    def room(self) -> memoryview:
        """Where the next bytes may be put."""
        if PIECE - self._filled < _LEAST:
            self._turn = (self._turn + 1) % _BUFFERS
            self._filled = 0
            self._empty(self._turn)
        return self._buffers[self._turn][self._filled :]

    def _empty(self, buffer: int) -> None:
        """Wait until a buffer is hashed, or, where hashing is behind on the disk, leave it to the disk."""
        with self._changed:
            while self._held and self._held[0].buffer == buffer:
                if self._done < self._held[0].offset:
                    self._held.popleft()
                elif self._stopped or self._error is not None:
                    return
                else:
                    self._changed.wait()

    def wrote(self, count: int) -> None:
        """The first `count` bytes of the last room are in the file."""
        if not count:
            return
        data = self._buffers[self._turn][self._filled : self._filled + count]
        with self._changed:
            self._held.append(_Held(self._limit, self._turn, data))
            self._limit += count
            self._changed.notify_all()
        self._filled += count
        self._start()

    def result(self) -> str:
        """The digest of the whole file. Raises IntegrityError."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._limit:
            self._start()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise IntegrityError(f"{self._path!r} can't be read again: {self._error.strerror}.")
        return self._digest.hexdigest()

    def stop(self) -> None:
        """Nobody wants the result any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            with FileIO(self._path, "rb") as file:
                self._follow(file)
        except OSError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _follow(self, file: FileIO) -> None:
        view = memoryview(bytearray(PIECE))
        while (limit := self._wait_for_more()) > self._done:
            data = self._in_memory()
            if data is None:
                data = self._on_disk(file, view[: limit - self._done])
            self._digest.update(data)
            self._advance(len(data))

    def _wait_for_more(self) -> int:
        """Up to where the file may be read; `_done` when there is nothing more to do."""
        with self._changed:
            while not (self._limit > self._done or self._closed or self._stopped):
                self._changed.wait()
            return self._done if self._stopped else self._limit

    def _in_memory(self) -> memoryview | None:
        with self._changed:
            held = self._held[0] if self._held else None
        return held.data if held is not None and held.offset == self._done else None

    def _on_disk(self, file: FileIO, view: memoryview) -> memoryview:
        file.seek(self._done)
        with self._changed:
            if self._held and self._held[0].offset > self._done:
                view = view[: self._held[0].offset - self._done]
        count = file.readinto(view)
        if not count:
            raise OSError(errno.EIO, "it became shorter")
        return view[:count]

    def _advance(self, count: int) -> None:
        with self._changed:
            self._done += count
            while self._held and self._held[0].offset < self._done:
                self._held.popleft()
            self._changed.notify_all()
        if self._told is not None and self._done - count < self._there:
            self._told(min(self._done, self._there), self._there)
