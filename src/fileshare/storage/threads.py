"""The threads in which a store waits for the disk, so that the event loop never does."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, ParamSpec, TypeVar

from fileshare.storage.direct_writer import Buffers
from fileshare.storage.failures import translated

P = ParamSpec("P")
T = TypeVar("T")
Fd = TypeVar("Fd", int, int | None)

THREADS = 16
"""Above the two or four cores of a small server, since most of them wait in a sync."""

NICE = 10
"""Hashing a gigabyte must not hold up the loop, which answers everyone else: LIST took 6 to 9 ms (p99)
beside eight uploads with this, 31 to 62 without."""


class DiskThreads:
    """A bounded pool of its own: nothing else of the program waits behind the disk."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="disk", initializer=_be_nice)
        self.busy = 0
        """What was submitted by the loop and is not done. Any thread may look."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread. Raises NoSpace or StorageFailed for an OSError."""
        try:
            return await self.submit(function, *args, **kwargs)
        except OSError as error:
            raise translated(error) from error

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        """As `run`, but at once, and an OSError stays one."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._pool, partial(function, *args, **kwargs))
        self.busy += 1
        running.add_done_callback(self._is_done)
        return running

    def _is_done(self, _: "asyncio.Future[Any]") -> None:
        self.busy -= 1

    def begin(self, function: Callable[[], T]) -> "Future[T]":
        """As `submit`, from one of another pool's threads."""
        return self._pool.submit(function)

    async def open(self, function: Callable[P, Fd], *args: P.args, **kwargs: P.kwargs) -> Fd:
        """As `run` for a function that opens a file: its descriptor is closed where nobody waits any more."""
        opening = self.submit(function, *args, **kwargs)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_result)
            raise
        except OSError as error:
            raise translated(error) from error

    async def run_on_copy(self, fd: int, function: Callable[[int, int, int], T], start: int, stop: int) -> T:
        """As `run`, on a range and a copy of a descriptor that stays open whatever becomes of the caller."""
        copy = os.dup(fd)
        running = self.submit(function, copy, start, stop)
        running.add_done_callback(lambda done: _close_copy(copy, done))
        try:
            return await asyncio.shield(running)
        except OSError as error:
            raise translated(error) from error

    async def stop(self) -> None:
        """Wait for what runs, then end the threads."""
        await asyncio.to_thread(self._pool.shutdown)


class Pools(NamedTuple):
    """What the parts and blobs of a store share: no sync waits behind those who send or read slowly."""

    disk: DiskThreads
    movers: DiskThreads
    """Between files and sockets."""
    buffers: Buffers


def _be_nice() -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # of this thread alone, on Linux


def _close_result(opening: "asyncio.Future[int] | asyncio.Future[int | None]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        fd = opening.result()
        if fd is not None:
            os.close(fd)


def _close_copy(copy: int, done: "asyncio.Future[Any]") -> None:
    os.close(copy)
    if not done.cancelled():
        done.exception()  # nobody may be waiting for it any more
