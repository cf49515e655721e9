"""A file that grows by what comes in: one thread receives, a second writes, a third hashes.

Whoever receives fills one buffer while others are being written and hashed, and waits
only where none is free. What a write error leaves behind is the beginning of the file,
without holes. Large files go past the page cache where the system can.
"""

import errno
import os
import queue
import threading
from functools import partial

from msgspec import Struct

from fileshare.client.early_sync import EarlySync
from fileshare.client.follower import PIECE, Follower
from fileshare.direct_io import CAN_BE_DIRECT, DirectFile, aligned_buffers, place_in

_BUFFERS = 4
"""One is filled, one written, one hashed, one evens out: more gained nothing (design, section 9)."""

_LONGEST_WAIT = 0.25
"""Seconds after which bytes of a slow line are written although their buffer is not full."""

_THROUGH_CACHE = 16 << 20
"""Bytes of a file's growth that stay in memory for who reads it next: whole, where it is small."""

_LOOK_SECONDS = 0.5
"""How often who waits sees whether the writer still lives, and Windows lets Ctrl-C in."""


class _Filled(Struct, frozen=True):
    """Bytes that came, on their way into the file."""

    offset: int
    data: memoryview
    buffer: memoryview


class GrowingFile:
    """An open file to which one thread appends."""

    def __init__(self, fd: int, offset: int, follower: Follower) -> None:
        """`fd` is open for writing, stands at `offset`, the file's end, and stays the caller's."""
        self.offset = offset
        """Bytes that came, on their way into the file or in it; after `close` those that are in it."""
        self._written = offset
        self._fd = fd
        self._follower = follower
        self._direct: DirectFile | None = None
        self._direct_from = offset + _THROUGH_CACHE
        self._sync = EarlySync(fd)
        self._free: queue.Queue[memoryview] = queue.Queue()
        for buffer in aligned_buffers(_BUFFERS, PIECE):
            self._free.put(buffer)
        self._filled: queue.Queue[_Filled | threading.Event | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None
        self._buffer: memoryview | None = None
        self._place = memoryview(b"")
        self._count = 0
        self._latest = _Filled(offset, memoryview(b""), memoryview(b""))
        """What the buffer that is being filled holds already."""

    def room(self) -> memoryview:
        """Where the next bytes may be put, for `took`. Raises OSError of an earlier write."""
        if self._buffer is None:
            self._buffer = self._next_buffer()
            self._place = place_in(self._buffer, self.offset)
        return self._place[self._count :]

    def took(self, count: int) -> None:
        """The first `count` bytes of the last room belong into the file. Raises OSError as `room`."""
        if self._buffer is None:
            return
        self._count += count
        self.offset += count
        data = self._place[: self._count]
        self._latest = _Filled(self.offset - len(data), data, self._buffer)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="write", daemon=True)
            self._thread.start()
        if self._count == len(self._place):
            self._hand_over()

    def flush(self) -> None:
        """All that came is in the file on return. Raises OSError."""
        self._hand_over()
        if self._thread is not None:
            written = threading.Event()
            self._filled.put(written)
            self._wait(written)
        self._check()

    def sync(self) -> None:
        """As `flush`, and durable. Raises OSError, also for what an earlier sync met."""
        self.flush()
        self._sync.finish()

    def close(self) -> None:
        """End the threads; what came is in the file unless there was an error. Safe to call twice."""
        self._hand_over()
        if self._thread is not None:
            self._filled.put(None)
            self._thread.join()
            self._thread = None  # not earlier: who closes again after Ctrl-C waits as well
        self.offset = self._written
        self._sync.wait()
        if self._direct is not None:
            self._direct.close()

    def _hand_over(self) -> None:
        count, self._count = self._count, 0
        if count:
            self._buffer = None
            self._filled.put(self._latest)

    def _next_buffer(self) -> memoryview:
        while True:
            self._check()
            try:
                return self._free.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._check_writer()

    def _wait(self, written: threading.Event) -> None:
        while not written.wait(_LOOK_SECONDS):
            self._check_writer()

    def _check_writer(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            raise OSError(errno.EIO, "the thread that writes it has ended")

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    # In the writing thread

    def _run(self) -> None:
        while True:
            try:
                filled = self._filled.get(timeout=_LONGEST_WAIT)
            except queue.Empty:
                self._keep(self._latest)  # the line is slow; what comes next follows it in the same buffer
                continue
            if filled is None:
                return
            if isinstance(filled, threading.Event):
                filled.set()
                continue
            self._keep(filled)
            self._follower.release(partial(self._free.put, filled.buffer))

    def _keep(self, filled: _Filled) -> None:
        """Write what is not yet in the file, and have it hashed."""
        before = done = self._written - filled.offset
        if before < 0:
            return  # others wait to be written before it
        try:
            while done < len(filled.data) and self._error is None:
                done += self._write(filled.data[done:], filled.offset + done)
        except OSError as error:
            self._error = error
        self._written = filled.offset + done
        self._follower.wrote(filled.data[before:done])
        if self._direct is None or not self._direct.is_direct:
            self._sync.wrote(self._written)

    def _write(self, data: memoryview, offset: int) -> int:
        if self._direct is None and offset >= self._direct_from and CAN_BE_DIRECT:
            self._direct = DirectFile(self._fd)
        if self._direct is None:
            return os.write(self._fd, data)  # which stands there: Windows has no pwrite
        return self._direct.write(data, offset)
