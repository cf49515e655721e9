"""A held upload: the only code that orders bytes, sync, offset row and reply.

Bytes go to the part; at a checkpoint the data is synced, then the offset row
committed, then told. Finishing syncs, compares the digest, publishes the blob and
commits name, version and receipt together. What is told was durable before.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fileshare.domain import upload as life
from fileshare.domain.model import Caller, Receipt, Upload
from fileshare.errors import BadOffset, Conflict, DigestMismatch, FileshareError, Stopped, Superseded
from fileshare.services.checkpoints import Checkpoints
from fileshare.services.committing import commit_verified
from fileshare.services.locks import Lease
from fileshare.services.meters import Direction
from fileshare.services.ports import Part, Source
from fileshare.services.space import STEP
from fileshare.services.workshop import Workshop, too_large

_log = logging.getLogger("fileshare.server")


class Writer:
    """One upload in the hands of one connection, until `release` or `finish`."""

    def __init__(self, shop: Workshop, caller: Caller, upload: Upload, part: Part, lease: Lease) -> None:
        self.caller = caller
        self.began_at = part.offset
        self._shop = shop
        self._part = part
        self._lease = lease
        self._checkpoints = Checkpoints(shop, upload, part)
        self._counted = part.offset
        self._stopped = False
        self._waiting = False
        """Nobody sends at the moment: the next request of the same account may go on."""
        self._transfer = shop.transfers.begin(self)

    @property
    def upload(self) -> Upload:
        """As its row is: `offset` is durable."""
        return self._checkpoints.upload

    @property
    def offset(self) -> int:
        """Bytes that were kept, durable or not yet."""
        return self._part.offset

    @property
    def direction(self) -> Direction:
        """Which way the bytes go, for the register of transfers."""
        return Direction.RECEIVED

    @property
    def path(self) -> str:
        """Where the upload is to stand."""
        return self.upload.path

    @property
    def size(self) -> int | None:
        """Bytes of the whole, None where the size is unknown."""
        return self.upload.size

    @property
    def left(self) -> int | None:
        """Bytes still to come, None where the size is unknown."""
        return None if self.upload.size is None else self.upload.size - self._part.offset

    @property
    def superseded(self) -> bool:
        """Whether a newcomer has asked for this upload: stop, and release."""
        return self._lease.superseded

    @property
    def over(self) -> bool:
        """Whether this writer has let go."""
        return self._lease.released

    @property
    def doubted(self) -> bool:
        """Whether bytes were received that count only once they are verified."""
        return self._checkpoints.doubted

    async def wait_over(self) -> None:
        """Wait until it has. Raises UploadBusy after 10 seconds."""
        await self._lease.wait_released(10)

    def stop(self) -> None:
        """Ask the connection that holds this to let go, as a newcomer would."""
        self._lease.supersede()

    def halt(self) -> None:
        """As `stop`, and whoever sends it is told `stopped`, also where only the next piece can be told."""
        self._stopped = True
        if not self._waiting:
            self.stop()

    async def hand_on(self, caller: Caller, let_go: Callable[[], None]) -> None:
        """Another request of the same account goes on with it. Raises NoSpace."""
        self.caller, self._lease.let_go = caller, let_go
        self.began_at = self._part.offset
        self._waiting = False
        self._shop.transfers.go_on(self._transfer)
        await self._shop.space.reserve(self.upload.id, self.left)

    def wait_for_next(self, let_go: Callable[[], None]) -> None:
        """Nobody writes for a while: no room is kept, and `let_go` is told when somebody wants it."""
        self._lease.let_go = let_go
        self._waiting = True
        self._shop.transfers.wait(self._transfer)
        self._shop.space.release(self.upload.id)

    def tell_checkpoints(self, told: Callable[[int], Awaitable[None]]) -> None:
        """`told` hears each durable offset of a checkpoint in the background."""
        self._checkpoints.on_made = told

    async def checkpoint(self) -> int:
        """Data synced, then the row: returns the durable offset. What is doubted is not in it."""
        return await self._checkpoints.make()

    async def announce(self, size: int) -> None:
        """Learn the size that was left open at the beginning; durable on return.

        Raises BadOffset when another one was announced or more has arrived, TooLarge and NoSpace.
        """
        if self.upload.size != size:
            await self._checkpoints.announce(size)
            await self._shop.space.reserve(self.upload.id, self.left)

    async def doubt(self) -> None:
        """What comes from here on counts only when `believe` is called; a kill or `release` drops it."""
        await self._checkpoints.doubt()

    async def believe(self) -> int:
        """What came since `doubt` was verified: returns the durable offset behind it."""
        self._checkpoints.doubted = False
        return await self.checkpoint()

    async def receive(self, source: Source, limit: int) -> int:
        """Take up to `limit` bytes; returns how many, less than `limit` when the source ended.

        Raises BadRequest past the announced or allowed size, NoSpace and StorageFailed
        with what was kept before still resumable, Superseded once a newcomer has asked.
        """
        room = self._room(limit)
        await self._checkpoints.end_doubt()
        self._checkpoints.keep_up()
        await self._reserve(room)
        self._counted = self._part.offset
        try:
            with self._shop.meters.under_way(Direction.RECEIVED, self.caller.door):
                kept = await self._part.receive(source, room, self._came)
        finally:
            self._came()
        self._refuse_too_large()
        return kept

    def _came(self) -> None:
        """Count what came since the last time; perhaps a checkpoint is due."""
        count, self._counted = max(self._part.offset - self._counted, 0), self._part.offset
        self._shop.meters.moved(Direction.RECEIVED, self.caller.door, count)
        self._shop.space.used(self.upload.id, count)
        self._checkpoints.consider()

    def _room(self, limit: int) -> int:
        """Bytes to take now: one past the allowed size too, which tells a longer source from a full one."""
        life.check_size(self.upload, self._part.offset + limit)
        self._refuse_too_large()
        allowed = self._shop.max_file_size
        return limit if allowed is None else min(limit, allowed + 1 - self._part.offset)

    def _refuse_too_large(self) -> None:
        allowed = self._shop.max_file_size
        if allowed is not None and self._part.offset > allowed:
            raise too_large(allowed)

    async def _reserve(self, count: int) -> None:
        if self.upload.size is None and self._shop.space.left(self.upload.id) < count:
            await self._shop.space.reserve(self.upload.id, max(count, STEP))

    async def finish(self, size: int | None = None, digest: str | None = None) -> Receipt:
        """All bytes are here: verify, publish, commit. Durable and listed on return.

        `size` and `digest` are what the sender tells at the end. Raises DigestMismatch
        (the upload is gone), BadOffset when bytes are missing (it stays resumable), and
        Conflict when a folder has taken the path meanwhile (it is gone too).
        A caller that is cancelled does not stop it. A piece of a bigger file is none: Conflict.
        """
        if self.upload.partial:
            raise Conflict("This is a piece of a bigger file: join it with the others.")
        return await asyncio.shield(asyncio.create_task(self._finish(size, digest)))

    async def complete(self, size: int | None, digest: str | None) -> None:
        """All bytes of a piece are here: verified and durable on return. Raises as `finish`."""
        await asyncio.shield(asyncio.create_task(self._complete(size, digest)))

    async def _complete(self, size: int | None, digest: str | None) -> None:
        await self._checkpoints.settle()
        offset = await self._checkpoints.make()
        try:
            promised = life.promise(self.upload, self._shop.clock(), size, digest)
            if promised.size not in (None, offset):
                raise BadOffset(f"Only {offset} of {promised.size} bytes have arrived: resume the upload.")
            if digest is not None and await self._part.digest(digest) != digest:
                raise DigestMismatch()
        except DigestMismatch:
            await self._reject("digest_mismatch")
            raise
        await self._let_go()

    async def _finish(self, size: int | None, digest: str | None) -> Receipt:
        await self._checkpoints.settle()
        offset = await self._checkpoints.make(row_follows=True)
        try:
            promised = life.promise(self.upload, self._shop.clock(), size, digest)
            if promised.size not in (None, offset):
                raise BadOffset(f"Only {offset} of {promised.size} bytes have arrived: resume the upload.")
            found = await self._part.digest(promised.digest)
            verified = life.verify(promised, found, self._shop.clock())
        except DigestMismatch:
            await self._reject("digest_mismatch")
            raise
        receipt = await self._commit(verified, found)
        await self._let_go()
        return receipt

    async def _commit(self, verified: Upload, found: str) -> Receipt:
        small = self._part.offset <= self._shop.small_size
        data = await self._part.read(self._part.offset) if small else None
        if data is None:
            await self._checkpoints.verified(verified)
        try:
            receipt = await commit_verified(self._shop, self.upload, found, self._part.offset, data)
        except Conflict:
            await self._reject("conflict")
            raise
        if data is not None:
            await self._shop.blobs.discard(self.upload.id)
        self._note("ok", receipt.path, f"{receipt.size} bytes, version {receipt.version}")
        return receipt

    async def _reject(self, outcome: str) -> None:
        """The upload is over and nothing of it is kept; the row goes first."""
        await self._shop.catalog.drop_upload(self.upload.id)
        await self._part.close()
        await self._shop.blobs.discard(self.upload.id)
        self._note(outcome, self.upload.path)
        await self._let_go()

    async def release(self) -> None:
        """Let go in mid upload: what came is made durable and stays resumable. Safe to call again."""
        if self.over:
            return
        try:
            await self._checkpoints.settle()
            await self.checkpoint()
        except FileshareError as error:
            # The row stays at the last checkpoint, which is all that was acknowledged.
            _log.warning("upload %s keeps its last checkpoint: %s", self.upload.id, error.message)
        finally:
            await self._let_go()

    async def abandon(self) -> None:
        """The owner gives it up: row and bytes go."""
        if not self.over:
            with suppress(FileshareError):
                await self._checkpoints.settle()
            await self._reject("aborted")

    async def _let_go(self) -> None:
        self._shop.transfers.end(self._transfer)
        await self._part.close()
        self._shop.space.release(self.upload.id)
        self._shop.locks.release(self._lease)

    def raise_if_superseded(self) -> None:
        """Raise Superseded when a newcomer has asked for this upload, Stopped when an admin ended it."""
        self.raise_if_stopped()
        if self._lease.superseded:
            raise Superseded()

    def raise_if_stopped(self) -> None:
        """Raise Stopped when an admin ended it: whoever sends it in several pieces is to send no more."""
        if self._stopped:
            raise Stopped()

    def _note(self, outcome: str, path: str, detail: str = "") -> None:
        self._shop.audit.note(self.caller, "upload", path, outcome, detail)
