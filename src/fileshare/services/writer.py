"""A held upload: the only code that orders bytes, sync, offset row and reply.

Bytes go to the part; at a checkpoint the data is synced, then the offset row
committed, then told. Finishing syncs, compares the digest, publishes the blob and
commits name, version and receipt together. What is told was durable before.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from fileshare.domain import upload as life
from fileshare.domain.model import Caller, Receipt, Upload
from fileshare.errors import (
    BadOffset,
    Conflict,
    DigestMismatch,
    FileshareError,
    Stopped,
    Superseded,
    TooLarge,
)
from fileshare.services.audit import Audit
from fileshare.services.batches import Committer
from fileshare.services.locks import DigestLocks, Lease, UploadLocks
from fileshare.services.meters import Direction, Meters
from fileshare.services.ports import Blobs, Catalog, Finish, Part, Source
from fileshare.services.space import STEP, Space
from fileshare.services.transfers import Transfers

_log = logging.getLogger("fileshare.server")


def too_large(allowed: int) -> TooLarge:
    """The refusal of a file over the server's limit, bytes."""
    return TooLarge(f"The file is larger than the {allowed} bytes that this server takes.")


def refuse_size(shop: "Workshop", size: int | None) -> None:
    """Refuse a file over the server's limit, bytes, as TooLarge."""
    allowed = shop.max_file_size
    if size is not None and allowed is not None and size > allowed:
        raise too_large(allowed)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every writer works with."""

    catalog: Catalog
    blobs: Blobs
    locks: UploadLocks
    digest_locks: DigestLocks
    space: Space
    committer: Committer
    audit: Audit
    clock: Callable[[], int]
    checkpoint_bytes: int
    """How many bytes may arrive before a checkpoint begins: what a power cut can cost."""
    checkpoint_seconds: float
    """How long bytes of a slow upload may wait for one."""
    small_size: int
    """Contents up to this many bytes live in the database."""
    max_file_size: int | None
    transfers: Transfers
    meters: Meters = field(default_factory=Meters)


class Writer:
    """One upload in the hands of one connection, until `release` or `finish`."""

    def __init__(self, shop: Workshop, caller: Caller, upload: Upload, part: Part, lease: Lease) -> None:
        self.upload = upload
        """As its row is: `offset` is durable."""
        self.caller = caller
        self.began_at = part.offset
        self.on_checkpoint: Callable[[int], Awaitable[None]] | None = None
        """Told each durable offset of a background checkpoint."""
        self._shop = shop
        self._part = part
        self._lease = lease
        self._due = asyncio.Event()
        self._checkpoints: asyncio.Task[None] | None = None
        self._row_lock = asyncio.Lock()
        self._over = False
        """No further checkpoint is to begin."""
        self._doubted = False
        self._stopped = False
        self._waiting = False
        """Nobody sends at the moment: the next request of the same account may go on."""
        self._transfer = shop.transfers.begin(self)

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
        return self._doubted

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

    async def announce(self, size: int) -> None:
        """Learn the size that was left open at the beginning; durable on return.

        Raises BadOffset when another one was announced or more has arrived, TooLarge and NoSpace.
        """
        if self.upload.size == size:
            return
        refuse_size(self._shop, size)
        await self.checkpoint()
        async with self._row_lock:
            await self._store(life.promise(self.upload, self._shop.clock(), size))
        await self._shop.space.reserve(self.upload.id, self.left)

    async def doubt(self) -> None:
        """What comes from here on counts only when `believe` is called; a kill or `release` drops it."""
        await self.checkpoint()
        self._doubted = True
        if self.upload.boot_id != life.NO_BOOT:
            async with self._row_lock:
                await self._store(life.doubt(self.upload, self._shop.clock()))

    async def believe(self) -> int:
        """What came since `doubt` was verified: returns the durable offset behind it."""
        self._doubted = False
        return await self.checkpoint()

    async def _end_doubt(self) -> None:
        """A kill of the process is to cost nothing again of what comes from here on."""
        if not self._doubted and self.upload.boot_id == life.NO_BOOT:
            now, boot_id, device = self._shop.clock(), self._shop.blobs.boot_id, self._part.device
            async with self._row_lock:
                await self._store(life.reopen(self.upload, self.upload.offset, boot_id, device, now))

    async def receive(self, source: Source, limit: int) -> int:
        """Take up to `limit` bytes; returns how many, less than `limit` when the source ended.

        Raises BadRequest past the announced or allowed size, NoSpace and StorageFailed
        with what was kept before still resumable, Superseded once a newcomer has asked.
        """
        room = self._room(limit)
        await self._end_doubt()
        self._keep_checkpoints()
        await self._reserve(room)
        before, door, meters = self._part.offset, self.caller.door, self._shop.meters
        try:
            with meters.under_way(Direction.RECEIVED, door):
                kept = await self._part.receive(source, room)
        finally:
            meters.moved(Direction.RECEIVED, door, self._part.offset - before)
            self._shop.space.used(self.upload.id, self._part.offset - before)
            if self._part.offset - self.upload.offset >= self._shop.checkpoint_bytes:
                self._due.set()
        self._refuse_too_large()
        return kept

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

    def _keep_checkpoints(self) -> None:
        """Have checkpoints made in the background, one at a time; an error of theirs is raised here."""
        if self._checkpoints is None:
            self._checkpoints = asyncio.create_task(self._make_checkpoints())
        elif self._checkpoints.done():
            self._checkpoints.result()

    async def _make_checkpoints(self) -> None:
        """Whenever enough has come, or some has waited long enough. The next bytes do not wait for it."""
        while not self._over:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._shop.checkpoint_seconds):
                    await self._due.wait()
            self._due.clear()
            if self._part.offset > self.upload.offset and not self._over and not self._doubted:
                offset = await self.checkpoint()
                if self.on_checkpoint is not None:
                    await self.on_checkpoint(offset)

    async def checkpoint(self) -> int:
        """Data synced, then the row: returns the durable offset. What is doubted is not in it."""
        async with self._row_lock:
            if self._doubted:
                return self.upload.offset
            offset = await self._part.sync()
            if offset > self.upload.offset:
                state = self._part.hash_state
                await self._store(life.advance(self.upload, offset, self._shop.clock(), state))
            return offset

    async def _store(self, upload: Upload) -> None:
        await self._shop.catalog.update_upload(upload, expected_epoch=self.upload.epoch)
        self.upload = upload

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

    async def _finish(self, size: int | None, digest: str | None) -> Receipt:
        await self._settle()
        offset = await self.checkpoint()
        try:
            self.upload = life.promise(self.upload, self._shop.clock(), size, digest)
            if self.upload.size not in (None, offset):
                raise BadOffset(f"Only {offset} of {self.upload.size} bytes have arrived: resume the upload.")
            found = await self._part.digest(self.upload.digest)
            life.verify(self.upload, found, self._shop.clock())
        except DigestMismatch:
            await self._reject("digest_mismatch")
            raise
        receipt = await self._commit(found)
        await self._let_go()
        return receipt

    async def _commit(self, found: str) -> Receipt:
        small = self._part.offset <= self._shop.small_size
        data = await self._part.read(self._part.offset) if small else None
        if data is None:
            async with self._row_lock:
                await self._store(life.verify(self.upload, found, self._shop.clock()))
        try:
            receipt = await commit_verified(self._shop, self.upload, found, self._part.offset, data)
        except Conflict:
            await self._reject("conflict")
            raise
        if data is not None:
            await self._shop.blobs.discard(self.upload.id)
        self._note("ok", receipt.path, f"{receipt.size} bytes, version {receipt.version}")
        return receipt

    async def _settle(self) -> None:
        """No more checkpoints in the background: wait for the one in flight; its error is ours."""
        self._over = True
        self._due.set()
        if self._checkpoints is not None:
            await asyncio.wait([self._checkpoints])
            task, self._checkpoints = self._checkpoints, None
            task.result()

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
            await self._settle()
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
                await self._settle()
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


async def commit_verified(
    shop: Workshop, upload: Upload, digest: str, size: int, data: bytes | None
) -> Receipt:
    """Publish the blob (unless `data` goes into the database) and commit, under the digest's lock."""
    item = Finish(
        owner_id=upload.owner_id,
        upload_id=upload.id,
        client_id=upload.client_id,
        path=upload.path,
        digest=digest,
        size=size,
        modified=shop.clock() if upload.modified is None else upload.modified,
        on_conflict=upload.on_conflict,
        epoch=upload.epoch,
        data=data,
        note=upload.note,
    )
    async with shop.digest_locks.hold(digest):
        if data is None:
            await shop.blobs.publish(upload.id, digest)
        (outcome,) = await shop.committer.commit([item])
        if isinstance(outcome, Conflict) and data is None:
            await shop.catalog.note_garbage([digest], shop.clock())
    if isinstance(outcome, FileshareError):
        raise outcome
    return outcome
