"""Plain files into the store: `fileshare import`.

What comes in is hashed, synced and committed like any upload. Never replaces what
is there with other content, so an import can be interrupted and run again.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from fileshare.domain import names
from fileshare.domain.model import Account, File, Folder, OnConflict
from fileshare.errors import BadName, Conflict, FileshareError, NotFound, SourceChanged
from fileshare.services.locks import DigestLocks
from fileshare.services.ports import Blobs, Catalog, Finish, Source
from fileshare.services.tally import OnProgress, Problem, Progress, Tally

CHUNK = 1 << 20

AT_ONCE = 8
"""Files that are read or synced at one time: the disk syncs several for little more than one."""

BATCH_FILES = 512
BATCH_BYTES = 8 << 20
"""Small files committed together at most: one sync for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the folder that is imported; `path` is relative to it, as the disk has it."""

    path: str
    kind: str
    """`file`, `folder`, or what else it is, in words: those are skipped and named."""
    size: int = 0
    modified: int = 0


class Reading(Source, Protocol):
    """A local file that is read from its start."""

    async def unchanged(self) -> bool:
        """Whether it is still what was found, and was not touched since it was opened.

        Raises NotFound when it could not be read to its end.
        """
        ...


class Origin(Protocol):
    """The local folder that an import reads. Links are never followed."""

    def scan(self) -> AsyncIterator[Found]:
        """Everything in it, folders before their content."""
        ...

    def open(self, found: Found) -> AbstractAsyncContextManager[Reading]:
        """Open a file that `scan` found. Raises NotFound when it can't be read."""
        ...


class Import:
    """A local folder into the store, under `folder`, as files of `owner`."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        *,
        digest_locks: DigestLocks,
        clock: Callable[[], int],
        owner: Account,
        folder: str,
        small_size: int,
    ) -> None:
        """`folder` has been parsed; contents up to `small_size` bytes go into the database."""
        self._catalog = catalog
        self._blobs = blobs
        self._digest_locks = digest_locks
        self._clock = clock
        self._owner = owner
        self._folder = folder
        self._small_size = small_size
        self._small: list[tuple[Found, Finish]] = []
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, origin: Origin, on_progress: OnProgress) -> Tally:
        """Store everything; what can't be stored is named in the tally and the rest goes on.

        Files whose content is at their path already are left alone; where other content
        is, both are kept. Durable on return. Raises NoSpace and StorageFailed.
        """
        tally = Tally()
        try:
            async with asyncio.TaskGroup() as group:
                async for found in origin.scan():
                    on_progress(Progress(tally.files + tally.already_there, None, tally.size, found.path))
                    await self._turns.acquire()
                    taking = group.create_task(self._take_or_name(origin, found, tally))
                    taking.add_done_callback(lambda _: self._turns.release())
        except* FileshareError as errors:
            raise errors.exceptions[0] from None
        await self._commit_small(tally)
        return tally

    async def _take_or_name(self, origin: Origin, found: Found, tally: Tally) -> None:
        try:
            await self._take(origin, found, tally)
        except (BadName, Conflict, NotFound, SourceChanged) as error:
            tally.problems.append(Problem(found.path, error.message))

    async def _take(self, origin: Origin, found: Found, tally: Tally) -> None:
        path = names.parse_path(names.join(self._folder, found.path))
        if found.kind == "folder":
            await self._catalog.make_folder(path, self._clock())
        elif found.kind != "file":
            tally.problems.append(Problem(found.path, f"skipped: it is {found.kind}"))
        elif await self._is_there(origin, found, path):
            tally.already_there += 1
        elif found.size <= self._small_size:
            await self._take_small(origin, found, path, tally)
        else:
            await self._take_large(origin, found, path, tally)

    async def _is_there(self, origin: Origin, found: Found, path: str) -> bool:
        """Whether this content has this path, or got another name when it was imported before."""
        try:
            entry = await self._catalog.entry(path)
        except NotFound:
            return False
        if isinstance(entry, Folder):
            raise Conflict("A folder of that name is there already.")
        digest = await _hash(origin, found)
        if entry.version.digest == digest:
            return True
        receipt = await self._catalog.receipt_for(self._owner.id, path, digest)
        return receipt is not None and await self._has(receipt.path, digest)

    async def _has(self, path: str, digest: str) -> bool:
        try:
            entry = await self._catalog.entry(path)
        except NotFound:
            return False
        return isinstance(entry, File) and entry.version.digest == digest

    async def _take_small(self, origin: Origin, found: Found, path: str, tally: Tally) -> None:
        data = bytearray()
        async with origin.open(found) as reading:
            while len(data) <= found.size and (chunk := await reading.read(CHUNK)):
                data += chunk
            await _raise_if_changed(reading, len(data), found)
        digest = hashlib.sha256(data).hexdigest()
        self._small.append((found, self._finish(found, path, digest, bytes(data))))
        if len(self._small) >= BATCH_FILES or sum(item.size for _, item in self._small) >= BATCH_BYTES:
            await self._commit_small(tally)

    async def _take_large(self, origin: Origin, found: Found, path: str, tally: Tally) -> None:
        """Through a part, like an upload: synced before its blob has a name, and that before its row."""
        upload_id = secrets.token_hex(16)
        part = await self._blobs.create(upload_id)
        try:
            async with origin.open(found) as reading:
                await part.receive(reading, found.size)
                await _raise_if_changed(reading, part.offset, found)
            await part.sync()
            digest = await part.digest()
            async with self._digest_locks.hold(digest):
                await self._blobs.publish(upload_id, digest)
                await self._commit([(found, self._finish(found, path, digest, None, upload_id))], tally)
        finally:
            await part.close()
            await self._blobs.discard(upload_id)

    def _finish(
        self, found: Found, path: str, digest: str, data: bytes | None, upload_id: str | None = None
    ) -> Finish:
        return Finish(
            owner_id=self._owner.id,
            upload_id=upload_id or secrets.token_hex(16),
            client_id=None,
            path=path,
            digest=digest,
            size=found.size,
            modified=found.modified,
            on_conflict=OnConflict.KEEP_BOTH,
            data=data,
        )

    async def _commit_small(self, tally: Tally) -> None:
        items, self._small = self._small, []
        await self._commit(items, tally)

    async def _commit(self, items: Sequence[tuple[Found, Finish]], tally: Tally) -> None:
        outcomes = await self._catalog.finish([item for _, item in items], self._clock())
        for (found, item), outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, FileshareError):
                tally.problems.append(Problem(found.path, outcome.message))
                continue
            tally.files += 1
            tally.size += item.size
            if outcome.path != item.path:
                tally.renamed[found.path] = outcome.path


async def _hash(origin: Origin, found: Found) -> str:
    digest, size = hashlib.sha256(), 0
    async with origin.open(found) as reading:
        while chunk := await reading.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        await _raise_if_changed(reading, size, found)
    return digest.hexdigest()


async def _raise_if_changed(reading: Reading, size: int, found: Found) -> None:
    if not await reading.unchanged() or size != found.size:
        raise SourceChanged("It changed while it was read: import it again.")
