"""An open blob on its way to somebody: through the kernel into a socket, or in pieces.

The disk and the socket are waited for in a thread, and only while bytes flow: a reader
that pauses costs no thread, and a page that has to come from the disk holds up nobody
else. Up to 340 ms of waiting were measured in a LIST while sendfile ran on the loop.
"""

import asyncio
import errno
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fileshare.errors import ConnectionLost, Damaged, StorageFailed
from fileshare.storage.failures import translated
from fileshare.storage.page_cache import forget
from fileshare.storage.threads import DiskThreads

SHARE: Final = 16 << 20
"""Bytes after which others get the thread where there are any, some ten milliseconds of a fast line."""

TURN_SECONDS: Final = 0.1
"""After so long others get it in any case, also where a reader has to be waited for."""

PATIENCE_MS: Final = 100
"""How long a thread waits for a reader; then the loop does."""

PROGRESS: Final = 64 << 10
"""Bytes that a reader must take within each stall limit: about 1 KiB/s at 60 s."""

_FILE_ERRORS: Final = frozenset({errno.EIO, errno.ENODEV, errno.ENXIO, errno.EUCLEAN})
"""What the disk says, where everything else sendfile says is about the socket."""


class OpenBlob:
    """`services.ports.OpenFile` on the local disk. Closes its descriptor when nobody uses it any more.

    The loop gives up the interpreter's lock for every call of the system, and waits for it behind
    all threads that send: so it makes few.
    """

    def __init__(self, fd: int, threads: DiskThreads) -> None:
        self._fd = fd
        self._threads = threads
        self._users = 1

    def fileno(self) -> int:
        """See the port."""
        return self._fd

    def close(self) -> None:
        """Let go; what a thread still sends, it sends to the end of its turn."""
        self._users -= 1
        if not self._users:
            os.close(self._fd)

    async def read(self, offset: int, count: int) -> bytes:
        """See the port."""
        try:
            data = await self._threads.run_on_copy(self._fd, _read, offset, count)
        except StorageFailed as error:
            raise Damaged() from error
        if not data:
            raise Damaged()
        return data

    async def send_to(self, socket: int, offset: int, count: int, stall_seconds: float) -> None:
        """See the port."""
        sending = _Sending(self._fd, socket, offset, offset + count)
        self._users += 1
        try:
            await self._send(sending, stall_seconds)
        finally:
            sending.let_go(self.close)

    async def _send(self, sending: "_Sending", stall_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due, deadline = sending.offset + PROGRESS, loop.time() + stall_seconds
        while await self._turn(sending):
            if sending.offset >= due:
                due, deadline = sending.offset + PROGRESS, loop.time() + stall_seconds
            if not sending.flows:
                await sending.wait_writable(deadline - loop.time())

    async def _turn(self, sending: "_Sending") -> bool:
        """One turn of the thread; whether there is more to send."""
        try:
            await asyncio.shield(sending.begin_turn(self._threads))
        except OSError as error:
            if error.errno in _FILE_ERRORS:
                raise Damaged() from translated(error)
            raise ConnectionLost() from error
        return sending.offset < sending.end


class _Sending:
    """One piece of a file on its way into a socket, on a copy of the socket's descriptor."""

    def __init__(self, file: int, socket: int, offset: int, end: int) -> None:
        self.offset = offset
        self.end = end
        self.flows = True
        """Whether the last turn ended with the reader still taking bytes."""
        self._given_up = False
        self._turn: asyncio.Future[None] | None = None
        self._file = file
        try:
            self._socket = os.dup(socket)
        except OSError as error:
            raise ConnectionLost() from error
        self._open = True

    def begin_turn(self, threads: DiskThreads) -> "asyncio.Future[None]":
        self._turn = threads.submit(self._send_turn, threads)
        return self._turn

    def _send_turn(self, threads: DiskThreads) -> None:
        """In the thread: shares, until somebody else wants it, the turn is over, or the reader pauses."""
        over = time.monotonic() + TURN_SECONDS
        self.flows = True
        while not self._given_up and self.offset < self.end:
            self._send_share(over)
            if not self.flows or threads.busy > 1 or time.monotonic() >= over:
                break
        if self.offset >= self.end:
            self._close()

    def _send_share(self, over: float) -> None:
        """What the reader takes of the next bytes, until `over` where it has to be waited for."""
        start, stop = self.offset, min(self.offset + SHARE, self.end)
        while self.offset < stop and not self._given_up:
            try:
                sent = os.sendfile(self._socket, self._file, self.offset, stop - self.offset)
            except BlockingIOError:
                self.flows = _writable(self._socket)
                if not self.flows or time.monotonic() >= over:
                    break
                continue
            if not sent:
                raise OSError(errno.EIO, "the file is shorter than it was")
            self.offset += sent
        forget(self._file, start, self.offset)

    async def wait_writable(self, seconds: float) -> None:
        """Wait on the loop until the reader has made room. Raises ConnectionLost."""
        loop = asyncio.get_running_loop()
        writable = loop.create_future()
        loop.add_writer(self._socket, _set, writable)
        try:
            async with asyncio.timeout(seconds):
                await writable
        except TimeoutError:
            raise ConnectionLost("The other side has not read for too long.") from None
        finally:
            loop.remove_writer(self._socket)

    def let_go(self, then: Callable[[], None]) -> None:
        """Close the copy, and call `then`, once the thread is done with them; on the loop."""
        self._given_up = True
        if self._turn is None or self._turn.done():
            self._end(then)
        else:
            self._turn.add_done_callback(lambda turn: self._end_after(turn, then))

    def _end_after(self, turn: "asyncio.Future[None]", then: Callable[[], None]) -> None:
        if not turn.cancelled():
            turn.exception()  # nobody waits for it any more
        self._end(then)

    def _end(self, then: Callable[[], None]) -> None:
        self._close()
        then()

    def _close(self) -> None:
        """By the thread when all is sent, otherwise by the loop after it."""
        if self._open:
            self._open = False
            with suppress(OSError):
                os.close(self._socket)


def _writable(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLOUT)
    return bool(poll.poll(PATIENCE_MS))


def _set(writable: "asyncio.Future[None]") -> None:
    if not writable.done():
        writable.set_result(None)


def _read(fd: int, offset: int, count: int) -> bytes:
    return os.pread(fd, count, offset)
