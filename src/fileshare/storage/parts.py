"""A part file: the bytes of one upload while they arrive, written and hashed in a thread.

Its offset counts only what the file holds, its durable offset only what a sync has
covered. After a failed sync or write nothing more is believed of the file, and what
lies past the durable offset is cut off: a sync that is tried again may succeed
without the bytes being there.
"""

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from fileshare.direct_io import DirectFile
from fileshare.errors import FileshareError, NoSpace, StorageFailed
from fileshare.services.lending import Loan, SocketSource
from fileshare.services.ports import Source
from fileshare.sha256 import Data
from fileshare.storage.direct_writer import WORTH, DirectWriter
from fileshare.storage.failures import translated
from fileshare.storage.growing_digest import GrowingDigest
from fileshare.storage.intake import SLICE, slice_of_thread, take
from fileshare.storage.page_cache import forget
from fileshare.storage.threads import Pools

_log = logging.getLogger("fileshare.server")

MOST_PIECES: Final = 512
"""Pieces of a slice, where a source gives little at a time; writev takes 1,024 (IOV_MAX)."""

EARLY: Final = 8 << 20
"""Bytes after which the kernel is asked to begin writing them out, so that the sync at the end finds
little left: 1 GiB received and synced in 1.1 s instead of 1.7 (ext4, two busy cores)."""


class DiskPart:
    """`services.ports.Part` as a file."""

    def __init__(
        self,
        upload_id: str,
        fd: int,
        offset: int,
        pools: Pools,
        on_poison: Callable[[str], None],
        *,
        hash_state: bytes | None = None,
    ) -> None:
        """`fd` is open for reading and writing, stands at `offset`, and all before it is durable.

        `on_poison` is told the upload's id, in whatever thread notices an error of the disk.
        `hash_state` is what an earlier part of this upload had hashed.
        """
        self._upload_id = upload_id
        self._fd = fd
        self._device = os.fstat(fd).st_dev
        self._threads = pools.disk
        self._movers = pools.movers
        self._buffers = pools.buffers
        self._direct_file: DirectFile | None = None
        self._direct: DirectWriter | None = None
        self._on_poison = on_poison
        self._durable = offset
        self._offset = offset
        self._opened_at = offset
        self._begun = offset
        self._digest = GrowingDigest(fd, offset, hash_state)
        self._hash_state = hash_state if self._digest.restored else None
        self._catch_up: asyncio.Task[None] | None = None
        self._gathered: list[Data] = []
        self._gathered_bytes = 0
        self._writing: asyncio.Future[Any] | None = None
        self._syncing = asyncio.Lock()
        self._unfinished: set[asyncio.Task[None]] = set()
        """What goes on when its caller is cancelled; the file is not closed under it."""
        self._closing = False
        self._poison: FileshareError | None = None
        self._full: NoSpace | None = None
        if self._digest.behind:
            self._catch_up = asyncio.create_task(self._hash_what_lies_there())

    @property
    def upload_id(self) -> str:
        """See the port."""
        return self._upload_id

    @property
    def offset(self) -> int:
        """See the port."""
        return self._offset

    @property
    def device(self) -> int:
        """See the port."""
        return self._device

    # Receiving: while one slice is written and hashed in a thread, the next is read

    async def receive(self, source: Source, limit: int) -> int:
        """See the port. After NoSpace a part takes no more bytes: those in between are lost."""
        self._check_receiving()
        before = self._offset
        try:
            if isinstance(source, SocketSource):
                await self._receive_by_thread(source, limit)
            else:
                await self._receive_by_loop(source, limit)
        finally:
            await self._flush()
        self._check_receiving()
        return self._offset - before

    async def _receive_by_loop(self, source: Source, limit: int) -> None:
        taken = 0
        while taken < limit and (data := await source.read(min(SLICE, limit - taken))):
            taken += len(data)
            await self._gather(data)

    async def _receive_by_thread(self, source: SocketSource, limit: int) -> None:
        """As long as bytes flow, by a thread on the socket; by the loop when they come slowly."""
        taken = 0
        while taken < limit:
            loan = await source.lend(limit - taken)
            if loan is not None:
                self._consider_direct()
                if count := await self._take_from(loan):
                    taken += count
                    continue
            if self._direct is not None and not self._direct.empty:
                await self._write_rest()
            data = await source.read(min(SLICE, limit - taken))
            if not data:
                return
            taken += len(data)
            await self._gather(data)

    async def _gather(self, data: Data) -> None:
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        await self._write_if_due()

    async def _take_from(self, loan: Loan) -> int:
        """One turn of a thread; returns how many bytes came. The socket is back, whatever happens."""
        try:
            if self._gathered or self._is_writing:
                await self._write_rest()
            self._check_receiving()
        except BaseException:
            loan.give_back(0)
            raise
        turn = self._movers.submit(self._take_turn, loan)
        turn.add_done_callback(lambda turn: loan.give_back(_count_of(turn)))
        self._writing = turn
        try:
            return await asyncio.shield(turn)
        except asyncio.CancelledError:
            loan.recall()
            raise

    def _consider_direct(self) -> None:
        """Much has come: write what follows past the page cache, where that can be."""
        if self._direct is not None or self._offset - self._opened_at < WORTH:
            return
        if self._direct_file is None:
            self._direct_file = DirectFile(self._fd)
        buffers = self._buffers.take() if self._direct_file.is_direct else None
        if buffers is not None:
            self._direct = DirectWriter(self._direct_file, buffers, self._threads.begin, self._count_direct)

    async def _write_if_due(self) -> None:
        """Begin writing what is gathered when the thread is free, or wait for it when that is a slice."""
        if self._is_writing:
            if self._gathered_bytes < SLICE and len(self._gathered) < MOST_PIECES:
                return
            await self._written()
        self._check_receiving()
        self._begin_writing()

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.done()

    async def _written(self) -> None:
        """Wait until nothing is being written; errors are in `_poison` and `_full`."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])
        if self._direct is not None and (flight := self._direct.in_flight) is not None:
            await asyncio.wait([asyncio.wrap_future(flight)])

    def _begin_writing(self) -> None:
        pieces, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if pieces:
            self._writing = self._threads.submit(self._keep, pieces)
            self._writing.add_done_callback(self._write_what_waited)

    def _write_what_waited(self, _: asyncio.Future[None]) -> None:
        """After a slice: what was gathered meanwhile goes to the file, even if the source says no more.

        A kill of the process thus costs no byte that was received. By now `receive` may have
        begun the next slice itself, and two at once would lose their order.
        """
        if not self._is_writing:
            self._begin_writing()

    async def _flush(self) -> None:
        """Write what the source gave, also when the caller is cancelled meanwhile."""
        if self._gathered or self._is_writing or self._direct is not None:
            await self._finished(self._end_receiving())

    async def _end_receiving(self) -> None:
        await self._write_rest()
        direct, self._direct = self._direct, None
        if direct is not None:
            self._buffers.give_back(direct.buffers)

    async def _write_rest(self) -> None:
        await self._written()
        if self._direct is not None and not self._direct.empty:
            # By a mover: it waits for a write, and a disk thread that did could wait for its own pool.
            self._writing = self._movers.submit(self._drain, self._direct)
            await self._written()
        self._begin_writing()
        await self._written()

    async def _settled(self) -> None:
        """Nothing that a caller has left behind is going on any more."""
        if self._unfinished:
            await asyncio.wait(self._unfinished)
        await self._written()

    async def _finished(self, work: Coroutine[Any, Any, None]) -> None:
        """Await `work`, which is done to its end even when the caller is cancelled."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        await asyncio.shield(task)

    # In the thread

    def _take_turn(self, loan: Loan) -> int:
        """Take what comes for as long as it flows; returns how many bytes came."""
        direct = self._direct
        if direct is None:
            return take(loan, slice_of_thread, self._keep_slice)
        if direct.empty:
            direct.begin(self._offset)
        taken = take(loan, direct.room, partial(self._keep_direct, direct))
        if taken < loan.limit:
            self._drain(direct)
        return taken

    def _keep_slice(self, view: memoryview) -> bool:
        """Keep what came; False when no more can be kept."""
        self._keep([view])
        return self._poison is None and self._full is None

    def _keep_direct(self, direct: DirectWriter, view: memoryview) -> bool:
        """As `_keep_slice`, past the page cache."""
        try:
            direct.took(len(view))
        except OSError as error:
            self._fail(translated(error))
        return self._poison is None and self._full is None

    def _drain(self, direct: DirectWriter) -> None:
        """What was taken is in the file, unless there was an error."""
        try:
            if self._poison is not None:
                direct.abandon()
            direct.drain()
        except OSError as error:
            self._fail(translated(error))

    def _count_direct(self, view: memoryview) -> None:
        """The file has taken these bytes; a poisoned part forgets them."""
        if self._poison is None:
            self._offset += len(view)
            self._digest.grew(view)

    def _keep(self, pieces: Sequence[Data]) -> None:
        """Write the pieces, counting and hashing what the file has taken."""
        views = [memoryview(piece).cast("B") for piece in pieces]
        try:
            os.lseek(self._fd, self._offset, os.SEEK_SET)  # direct writes leave it where it was
            while views and self._poison is None and self._full is None:
                self._count(views, os.writev(self._fd, views))
            self._begin_writeback()
        except OSError as error:
            self._fail(translated(error))

    def _begin_writeback(self) -> None:
        """Let the disk work while bytes arrive. Linux begins to write what it is told not to need."""
        if self._offset - self._begun >= EARLY and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd, self._begun, self._offset - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = self._offset

    def _count(self, views: list[memoryview], written: int) -> None:
        """Drop what was written from `views`, in place, and count it as kept."""
        while written:
            taken = views[0][:written]
            rest = views[0][len(taken) :]
            views[:1] = [rest] if rest else []
            written -= len(taken)
            self._offset += len(taken)
            self._digest.grew(taken)

    def _fail(self, error: FileshareError) -> None:
        """A write failed: without room what is there stays good, otherwise nothing past the last sync."""
        if isinstance(error, NoSpace):
            self._full = error
        else:
            self._be_poisoned(error)
            self._cut_back()

    def _be_poisoned(self, error: FileshareError) -> None:
        """The end of this part: every later call raises `error`."""
        self._poison = self._poison or error
        self._on_poison(self._upload_id)

    def _cut_back(self) -> None:
        """Drop what no sync has covered; its pages may look clean and never have reached the disk."""
        with suppress(OSError):
            os.ftruncate(self._fd, self._durable)
        self._offset = self._durable

    # Durability and digest

    async def sync(self) -> int:
        """See the port."""
        self._check_poison()
        await self._finished(self._sync())
        self._check_poison()
        return self._durable

    async def _sync(self) -> None:
        """One at a time, and never left behind unheard: the kernel tells an error to one sync alone."""
        async with self._syncing:
            if self._poison is not None or self._offset <= self._durable:
                return
            covered, state = self._durable, self._hash_state
            try:
                covered, state = await self._threads.run(self._sync_now)
            except FileshareError as error:
                self._be_poisoned(error)
                await self._written()
                await self._threads.run(self._cut_back)
            if self._poison is None:
                self._durable, self._hash_state = covered, state

    def _sync_now(self) -> tuple[int, bytes | None]:
        """In the thread: the offset that is durable now, and a digest of no more than what is."""
        state = self._digest.save()
        covered = self._offset
        os.fdatasync(self._fd)
        if os.fstat(self._fd).st_size < covered:
            raise OSError(errno.EIO, "the file is shorter than what was written")
        forget(self._fd, self._durable, covered)
        return covered, state

    @property
    def hash_state(self) -> bytes | None:
        """See the port."""
        return self._hash_state

    async def digest(self, promised: str | None = None) -> str:
        """See the port."""
        found = await self._found_digest()
        if self._digest.restored and found != promised:
            doubtful = found
            self._digest.begin_anew()
            self._catch_up = asyncio.create_task(self._hash_what_lies_there())
            found = await self._found_digest()
            if found != doubtful:
                _log.error("upload %s: the digest gone on with was wrong, and made anew", self._upload_id)
        return found

    async def _found_digest(self) -> str:
        await self._settled()
        if self._catch_up is not None:
            await asyncio.wait([self._catch_up])
        self._check_poison()
        return self._digest.hexdigest()

    async def _hash_what_lies_there(self) -> None:
        """Hash what the file held when it was opened, and what came meanwhile, until both meet."""
        try:
            while not self._closing and await self._threads.run(self._digest.catch_up):
                pass
        except FileshareError as error:
            self._be_poisoned(error)

    async def read(self, limit: int) -> bytes:
        """See the port."""
        await self._settled()
        self._check_poison()
        return await self._threads.run(_read_first, self._fd, min(limit, self._offset))

    async def close(self) -> None:
        """See the port."""
        self._closing = True
        if self._catch_up is not None:
            await asyncio.wait([self._catch_up])
        await self._settled()
        fd, self._fd = self._fd, -1
        if self._direct_file is not None:
            self._direct_file.close()
        if fd >= 0:
            with suppress(FileshareError):  # nothing that was not synced has been acknowledged
                await self._threads.run(os.close, fd)

    def _check_poison(self) -> None:
        if self._poison is not None:
            raise self._poison
        if self._fd < 0:
            raise StorageFailed("The upload's part was closed.")

    def _check_receiving(self) -> None:
        self._check_poison()
        if self._full is not None:
            raise self._full


def _count_of(turn: "asyncio.Future[int]") -> int:
    return 0 if turn.cancelled() or turn.exception() is not None else turn.result()


def _read_first(fd: int, count: int) -> bytes:
    pieces: list[bytes] = []
    offset = 0
    while offset < count and (data := os.pread(fd, count - offset, offset)):
        pieces.append(data)
        offset += len(data)
    return b"".join(pieces)
