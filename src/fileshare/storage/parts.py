"""A part on the local disk: what comes in, what is durable, and the digest of it all.

Threads do the work (`inflow`, `part_file`); here is its order. A part outlives callers
that are cancelled, and its file is never closed under a thread that uses it.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress

from fileshare.errors import FileshareError
from fileshare.services.ports import Source
from fileshare.storage.inflow import Inflow
from fileshare.storage.part_file import PartFile
from fileshare.storage.threads import Pools
from fileshare.storage.unfinished import Unfinished

_log = logging.getLogger("fileshare.server")


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
        """`fd` is open for reading and writing, holds `offset` bytes, and all of them are durable.

        `on_poison` is told the upload's id, in whatever thread notices an error of the disk.
        `hash_state` is what an earlier part of this upload had hashed.
        """
        self._file = PartFile(upload_id, fd, offset, on_poison, hash_state)
        self._threads = pools.disk
        self._inflow = Inflow(self._file, pools)
        self._unfinished = Unfinished()
        self._syncing = asyncio.Lock()
        self._closing = False
        self._catch_up: asyncio.Task[None] | None = None
        if self._file.digest.behind:
            self._catch_up = asyncio.create_task(self._hash_what_lies_there())

    @property
    def upload_id(self) -> str:
        """See the port."""
        return self._file.upload_id

    @property
    def offset(self) -> int:
        """See the port."""
        return self._file.offset

    @property
    def device(self) -> int:
        """See the port."""
        return self._file.device

    async def receive(self, source: Source, limit: int, came: Callable[[], None] | None = None) -> int:
        """See the port. After NoSpace a part takes no more bytes: those in between are lost."""
        self._file.check_receiving()
        before = self._file.offset
        try:
            await self._inflow.receive(source, limit, came or _nobody_listens)
        finally:
            if not self._inflow.ended:
                await self._unfinished.run(self._inflow.end())
        self._file.check_receiving()
        return self._file.offset - before

    async def sync(self) -> int:
        """See the port."""
        self._file.check()
        await self._unfinished.run(self._sync())
        self._file.check()
        return self._file.durable

    async def _sync(self) -> None:
        """One at a time, and never left behind unheard: the kernel tells an error to one sync alone."""
        async with self._syncing:
            if self._file.poison is not None or self._file.offset <= self._file.durable:
                return
            try:
                synced = await self._threads.run(self._file.sync)
            except FileshareError as error:
                self._file.be_poisoned(error)
                await self._inflow.written()
                await self._threads.run(self._file.cut_back)
            else:
                self._file.was_synced(synced)

    @property
    def hash_state(self) -> bytes | None:
        """See the port."""
        return self._file.hash_state

    async def digest(self, promised: str | None = None) -> str:
        """See the port."""
        found = await self._found_digest()
        if self._file.digest.restored and found != promised:
            doubtful = found
            self._file.digest.begin_anew()
            self._catch_up = asyncio.create_task(self._hash_what_lies_there())
            found = await self._found_digest()
            if found != doubtful:
                _log.error("upload %s: the digest gone on with was wrong, and made anew", self.upload_id)
        return found

    async def _found_digest(self) -> str:
        await self._settled()
        if self._catch_up is not None:
            await asyncio.wait([self._catch_up])
        self._file.check()
        return self._file.digest.hexdigest()

    async def _hash_what_lies_there(self) -> None:
        """Hash what the file held when it was opened, and what came meanwhile, until both meet."""
        try:
            while not self._closing and await self._threads.run(self._file.digest.catch_up):
                pass
        except FileshareError as error:
            self._file.be_poisoned(error)

    async def _settled(self) -> None:
        """Nothing that a caller has left behind is going on any more."""
        await self._unfinished.settled()
        await self._inflow.written()

    async def read(self, limit: int) -> bytes:
        """See the port."""
        await self._settled()
        self._file.check()
        return await self._threads.run(self._file.read, limit)

    async def close(self) -> None:
        """See the port."""
        self._closing = True
        if self._catch_up is not None:
            await asyncio.wait([self._catch_up])
        await self._settled()
        fd, self._file.fd = self._file.fd, -1
        self._inflow.close()
        if fd >= 0:
            with suppress(FileshareError):  # nothing that was not synced has been acknowledged
                await self._threads.run(os.close, fd)


def _nobody_listens() -> None:
    """What comes is told to nobody."""
