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

Told = Callable[[int, int], None]

_NO_BYTES = memoryview(b"")


def _nothing() -> None:
    """Nobody waits for this memory."""


class _Held(Struct, frozen=True):
    """Bytes of the file that are in memory as well; or, without any, who wants the memory of those before."""

    offset: int
    data: memoryview
    release: Callable[[], None]


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
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._held: deque[_Held] = deque()
        self._waiting = 0
        """Bytes in `_held`, the last of the file."""

    def wrote(self, data: memoryview) -> None:
        """These bytes are in the file, behind all before; they stay in memory until `release` is answered."""
        if not data:
            return
        with self._changed:
            if not self._behind:
                self._held.append(_Held(self._limit, data, _nothing))
                self._waiting += len(data)
            self._limit += len(data)
            self._changed.notify_all()
        if not self._stopped:
            self._start()

    def release(self, released: Callable[[], None]) -> None:
        """Call `released`, perhaps in the hashing thread, when the memory of all so far is needed no more:
        at once where hashing is behind on the disk."""
        with self._changed:
            wait = bool(self._held)
            if wait:
                self._held.append(_Held(self._limit, _NO_BYTES, released))
        if not wait:
            released()

    @property
    def _behind(self) -> bool:
        """Whether the disk is to be read before what comes now."""
        return self._stopped or self._done + self._waiting < self._limit

    def result(self) -> str:
        """The digest of the whole file. Raises IntegrityError, and what `told` raised."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._limit:
            self._start()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None and not isinstance(self._error, OSError):
            raise self._error
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
        except Exception as error:  # told to who asks for the result: what was hashed is not all
            self._error = error
        finally:
            self._release_all()

    def _release_all(self) -> None:
        with self._changed:
            held = list(self._held)
            self._held.clear()
            self._waiting = 0
            self._stopped = True
        for one in held:
            one.release()

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
        over: list[_Held] = []
        with self._changed:
            self._done += count
            while self._held and self._held[0].offset + len(self._held[0].data) <= self._done:
                over.append(self._held.popleft())
                self._waiting -= len(over[-1].data)
            self._changed.notify_all()
        for held in over:
            held.release()
        if self._told is not None and self._done - count < self._there:
            self._told(min(self._done, self._there), self._there)
