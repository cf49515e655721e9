"""The way of an upload's bytes from their source into its part's file.

While one slice is written and hashed in a thread, the next is read: by a thread on the
socket itself as long as bytes flow, by the loop when they come slowly. Every byte that
the source gave is in the file at the end, or the file is poisoned.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fileshare.direct_io import DirectFile
from fileshare.services.lending import Loan, SocketSource
from fileshare.services.ports import Source
from fileshare.sha256 import Data
from fileshare.storage.direct_writer import WORTH, DirectWriter
from fileshare.storage.intake import SLICE, Taking, slice_of_thread
from fileshare.storage.part_file import PartFile
from fileshare.storage.threads import Pools

MOST_PIECES: Final = 512
"""Pieces of a slice, where a source gives little at a time; writev takes 1,024 (IOV_MAX)."""


class Inflow:
    """Appends to one `PartFile`; one `receive` at a time."""

    def __init__(self, file: PartFile, pools: Pools) -> None:
        self._file = file
        self._threads = pools.disk
        self._movers = pools.movers
        self._buffers = pools.buffers
        self._opened_at = file.offset
        self._direct_file: DirectFile | None = None
        self._direct: DirectWriter | None = None
        self._gathered: list[Data] = []
        self._gathered_bytes = 0
        self._writing: asyncio.Future[Any] | None = None

    async def receive(self, source: Source, limit: int, came: Callable[[], None]) -> None:
        """Up to `limit` bytes. Call `end` afterwards, whatever this raises. `came`: see the port."""
        if isinstance(source, SocketSource):
            await self._receive_by_thread(source, limit, came)
        else:
            await self._receive_by_loop(source, limit, came)

    @property
    def ended(self) -> bool:
        """Whether there is nothing for `end` to do."""
        return not self._gathered and not self._is_writing and self._direct is None

    async def end(self) -> None:
        """What was received is in the file, unless there was an error."""
        await self._write_rest()
        direct, self._direct = self._direct, None
        if direct is not None:
            self._buffers.give_back(direct.buffers)

    async def written(self) -> None:
        """Wait until nothing is being written; the file knows of errors."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])
        if self._direct is not None and (flight := self._direct.in_flight) is not None:
            await asyncio.wait([asyncio.wrap_future(flight)])

    def close(self) -> None:
        """Let go of what this has opened; when all is written."""
        if self._direct_file is not None:
            self._direct_file.close()

    # By the loop

    async def _receive_by_loop(self, source: Source, limit: int, came: Callable[[], None]) -> None:
        taken = 0
        while taken < limit and (data := await source.read(min(SLICE, limit - taken))):
            taken += len(data)
            await self._gather(data)
            came()

    async def _gather(self, data: Data) -> None:
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        await self._write_if_due()

    async def _write_if_due(self) -> None:
        """Begin writing what is gathered when the thread is free, or wait for it when that is a slice."""
        if self._is_writing:
            if self._gathered_bytes < SLICE and len(self._gathered) < MOST_PIECES:
                return
            await self.written()
        self._file.check_receiving()
        self._begin_writing()

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def _begin_writing(self) -> None:
        pieces, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if pieces:
            self._writing = self._threads.submit(self._file.keep, pieces)
            self._writing.add_done_callback(self._write_what_waited)

    def _write_what_waited(self, before: asyncio.Future[None]) -> None:
        """After a slice: what was gathered meanwhile goes to the file, even if the source says no more.

        A kill of the process thus costs no byte that was received. By now `receive` may have
        begun the next slice itself, and two at once would lose their order.
        """
        if not before.cancelled():
            before.exception()  # the file knows of it
        if not self._is_writing:
            self._begin_writing()

    async def _write_rest(self) -> None:
        await self.written()
        if self._direct is not None and not self._direct.empty:
            # By a mover: it waits for a write, and a disk thread that did could wait for its own pool.
            self._writing = self._movers.submit(self._drain, self._direct)
            await self.written()
        self._begin_writing()
        await self.written()

    # By a thread on the socket

    async def _receive_by_thread(self, source: SocketSource, limit: int, came: Callable[[], None]) -> None:
        """As long as bytes flow; by the loop when they come slowly."""
        taken = 0
        while taken < limit:
            came()
            loan = await source.lend(self._turn(limit - taken))
            if loan is not None:
                self._consider_direct()
                if count := await self._take_from(loan, came):
                    taken += count
                    continue
            if self._direct is not None and not self._direct.empty:
                await self._write_rest()
            data = await source.read(min(SLICE, limit - taken))
            if not data:
                return
            taken += len(data)
            await self._gather(data)

    def _turn(self, left: int) -> int:
        """Bytes that a thread may take in one turn; at first, until it is clear whether much comes."""
        return left if self._much_came else min(left, WORTH)

    @property
    def _much_came(self) -> bool:
        return self._file.offset - self._opened_at >= WORTH

    def _consider_direct(self) -> None:
        """Much has come: write what follows past the page cache, where that can be."""
        if self._direct is not None or not self._much_came:
            return
        if self._direct_file is None:
            self._direct_file = DirectFile(self._file.fd)
        buffers = self._buffers.take() if self._direct_file.is_direct else None
        if buffers is not None:
            self._direct = DirectWriter(self._direct_file, buffers, self._threads.begin, self._file.has)

    async def _take_from(self, loan: Loan, came: Callable[[], None]) -> int:
        """One turn of a thread; returns how many bytes came. The socket is back, whatever happens."""
        try:
            if self._gathered or self._is_writing:
                await self._write_rest()
            self._file.check_receiving()
        except BaseException:
            loan.give_back(0)
            raise
        taking = Taking(loan, partial(self._go_on, asyncio.get_running_loop(), came))
        turn = self._movers.submit(self._take_turn, taking)
        turn.add_done_callback(lambda _: loan.give_back(taking.taken))
        self._writing = turn
        try:
            await asyncio.shield(turn)
        except asyncio.CancelledError:
            loan.recall()
            raise
        return taking.taken

    def _go_on(self, loop: asyncio.AbstractEventLoop, came: Callable[[], None]) -> bool:
        """In the thread: tell the loop what came, and await no word of it. Whether no other has a thread."""
        loop.call_soon_threadsafe(came)
        return self._movers.busy <= 1

    def _take_turn(self, taking: Taking) -> None:
        """In the thread: take what comes for as long as it flows."""
        direct = self._direct
        try:
            if direct is None:
                taking.run(slice_of_thread, self._keep_slice)
                return
            if direct.empty:
                direct.begin(self._file.offset)
            taking.run(direct.room, partial(self._keep_direct, direct))
        except BaseException:
            self._file.lose()
            raise
        if taking.taken < taking.loan.limit and not taking.flows:
            self._drain(direct)

    def _keep_slice(self, view: memoryview) -> bool:
        """Keep what came; False when no more can be kept."""
        self._file.keep([view])
        return self._file.keeps

    def _keep_direct(self, direct: DirectWriter, view: memoryview) -> bool:
        """As `_keep_slice`, past the page cache."""
        with self._file.failing():
            direct.took(len(view))
        return self._file.keeps

    def _drain(self, direct: DirectWriter) -> None:
        """What was taken is in the file, unless there was an error."""
        with self._file.failing():
            if self._file.poison is not None:
                direct.abandon()
                self._file.cut_back()
            direct.drain()
