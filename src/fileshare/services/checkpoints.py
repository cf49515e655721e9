"""The row of a held upload: it follows the bytes, and never leads them.

At a checkpoint the data is synced, then the row committed, then told. They are made in
the background, one at a time, while the next bytes come in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fileshare.domain import upload as life
from fileshare.domain.model import Upload
from fileshare.services.ports import Part
from fileshare.services.workshop import Workshop, refuse_size


class Checkpoints:
    """What is durable of one upload."""

    def __init__(self, shop: Workshop, upload: Upload, part: Part) -> None:
        self.upload = upload
        """As its row is, or will be with the next store: `offset` is durable."""
        self.on_made: Callable[[int], Awaitable[None]] | None = None
        """Told each durable offset of a checkpoint in the background."""
        self.doubted = False
        """Whether bytes were received that count only once they are verified."""
        self._shop = shop
        self._part = part
        self._one = asyncio.Lock()
        self._behind = False
        """The row lacks what `upload` tells."""
        self._due = asyncio.Event()
        self._over = False
        """No further one is to begin in the background."""
        self._making: asyncio.Task[None] | None = None

    async def make(self, *, row_follows: bool = False) -> int:
        """Data synced, then the row: returns the durable offset. What is doubted is not in it.

        With `row_follows` the row is stored by what comes next: this or `verified`.
        """
        async with self._one:
            if self.doubted:
                return self.upload.offset
            offset = await self._part.sync()
            upload = self.upload
            if offset > upload.offset:
                upload = life.advance(upload, offset, self._shop.clock(), self._part.hash_state)
            if row_follows:
                self._behind = self._behind or upload is not self.upload
                self.upload = upload
            elif upload is not self.upload or self._behind:
                await self._store(upload)
            return offset

    async def _store(self, upload: Upload) -> None:
        await self._shop.catalog.update_upload(upload, expected_epoch=self.upload.epoch)
        self.upload, self._behind = upload, False

    # In the background

    def keep_up(self) -> None:
        """Have them made from now on; an error of theirs is raised here."""
        if self._making is None:
            self._making = asyncio.create_task(self._make_when_due())
        elif self._making.done():
            self._making.result()

    def consider(self) -> None:
        """Bytes came: one is due when they are enough."""
        if self._part.offset - self.upload.offset >= self._shop.checkpoint_bytes:
            self._due.set()

    async def _make_when_due(self) -> None:
        """Whenever enough has come, or some has waited long enough. The next bytes do not wait for it."""
        while not self._over:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._shop.checkpoint_seconds):
                    await self._due.wait()
            self._due.clear()
            if self._part.offset > self.upload.offset and not self._over and not self.doubted:
                offset = await self.make()
                if self.on_made is not None:
                    await self.on_made(offset)

    async def settle(self) -> None:
        """No more in the background: wait for the one in flight; its error is ours."""
        self._over = True
        self._due.set()
        if self._making is not None:
            await asyncio.wait([self._making])
            task, self._making = self._making, None
            task.result()

    # What else the row tells

    async def announce(self, size: int) -> None:
        """See `Writer.announce`."""
        refuse_size(self._shop, size)
        await self.make()
        async with self._one:
            await self._store(life.promise(self.upload, self._shop.clock(), size))

    async def verified(self, upload: Upload) -> None:
        """All bytes are durable and have their digest: a new start finishes what we can't."""
        async with self._one:
            await self._store(upload)

    async def doubt(self) -> None:
        """See `Writer.doubt`."""
        await self.make()
        self.doubted = True
        if self.upload.boot_id != life.NO_BOOT:
            async with self._one:
                await self._store(life.doubt(self.upload, self._shop.clock()))

    async def end_doubt(self) -> None:
        """A kill of the process is to cost nothing again of what comes from here on."""
        if not self.doubted and self.upload.boot_id == life.NO_BOOT:
            now, boot_id, device = self._shop.clock(), self._shop.blobs.boot_id, self._part.device
            async with self._one:
                await self._store(life.reopen(self.upload, self.upload.offset, boot_id, device, now))
