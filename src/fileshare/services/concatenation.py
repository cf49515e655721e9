"""Several uploads joined into one file: pieces that were sent beside each other, each with its own offset.

The pieces are taken from whoever holds them, joined in the order that was asked for,
and stored by the same steps as every upload. They go when the file is there; whoever
asks again gets its receipt.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from fileshare.domain import upload as life
from fileshare.domain.model import Caller, Receipt, Upload
from fileshare.errors import Conflict, FileshareError, NotFound, StorageFailed
from fileshare.services.new_uploads import NewUpload, checked, known_upload
from fileshare.services.uploads import Uploads
from fileshare.services.workshop import Workshop, refuse_size
from fileshare.services.writer import Writer


class Concatenation:
    """Joins uploads that were begun as pieces (`NewUpload.partial`)."""

    def __init__(self, shop: Workshop, uploads: Uploads) -> None:
        self._shop = shop
        self._uploads = uploads

    async def join(self, caller: Caller, new: NewUpload, piece_ids: Sequence[str]) -> Receipt:
        """One file of the caller's pieces, in that order; durable and listed on return.

        `new.size` is not told. Raises NotFound for what is no piece of the caller's, Conflict
        for one that is not complete, TooLarge, NoSpace, and DigestMismatch when the whole is
        not what was promised: the pieces stay then. A caller that is cancelled does not stop it.
        """
        return await asyncio.shield(asyncio.create_task(self._join(caller, new, piece_ids)))

    async def _join(self, caller: Caller, new: NewUpload, piece_ids: Sequence[str]) -> Receipt:
        new = replace(new, client_id=_name_of(new, piece_ids))
        upload = await checked(self._shop, caller, new)
        done = await self._begun_before(caller, new.client_id or "", upload.path)
        if done is None:
            async with self._held(piece_ids):
                pieces = [await self._piece(caller, piece_id) for piece_id in piece_ids]
                done = await self._store(caller, upload, pieces)
        await self._drop(caller, piece_ids)
        return done

    async def _begun_before(self, caller: Caller, client_id: str, path: str) -> Receipt | None:
        """What was joined before, and was perhaps interrupted before it had a name."""
        known = await known_upload(self._shop, caller, client_id, path)
        if not isinstance(known, Upload):
            return known
        found = await self._uploads.resume(caller, lambda: None, upload_id=known.id)
        if isinstance(found, Receipt):
            return found
        if found.left:  # its part was lost, and the pieces are still there
            await found.abandon()
            return None
        return await self._finished(found)

    @asynccontextmanager
    async def _held(self, piece_ids: Sequence[str]) -> AsyncIterator[None]:
        """Nobody else writes to the pieces. In order, so that two who join the same never block."""
        locks = self._shop.locks
        leases = []
        try:
            for piece_id in sorted(set(piece_ids)):
                leases.append(await locks.claim(piece_id, lambda: None))
            yield
        finally:
            for lease in leases:
                locks.release(lease)

    async def _piece(self, caller: Caller, piece_id: str) -> Upload:
        piece = await self._shop.catalog.upload(piece_id)
        if piece.owner_id != caller.account.id or not piece.partial:
            raise NotFound("There is no such piece of yours.")
        if piece.offset != piece.size:
            raise Conflict(f"The piece {piece_id} is not complete: send the rest of it first.")
        return piece

    async def _drop(self, caller: Caller, piece_ids: Sequence[str]) -> None:
        """The file is there: its pieces go. Asked for again they may be gone, and ids prove nothing."""
        for piece_id in set(piece_ids):
            with suppress(NotFound):
                await self._piece(caller, piece_id)
                await self._uploads.forget(piece_id)

    async def _store(self, caller: Caller, upload: Upload, pieces: Sequence[Upload]) -> Receipt:
        size = sum(piece.offset for piece in pieces)
        refuse_size(self._shop, size)
        await self._shop.space.reserve(upload.id, size)
        lease = await self._shop.locks.claim(upload.id, lambda: None)
        try:
            part = await self._shop.blobs.join(upload.id, [(piece.id, piece.offset) for piece in pieces])
            try:
                whole = life.promise(upload, self._shop.clock(), size)
                whole = life.reopen(whole, size, self._shop.blobs.boot_id, part.device, self._shop.clock())
                await self._shop.catalog.add_upload(whole)
            except BaseException as error:
                await part.close()
                # The row may be there after an error of the disk: then the next start sees what to do.
                if isinstance(error, FileshareError) and not isinstance(error, StorageFailed):
                    await self._shop.blobs.discard(upload.id)
                raise
        except BaseException:
            self._shop.locks.release(lease)
            self._shop.space.release(upload.id)
            raise
        return await self._finished(Writer(self._shop, caller, whole, part, lease))

    @staticmethod
    async def _finished(writer: Writer) -> Receipt:
        try:
            return await writer.finish()
        except FileshareError:
            await writer.release()
            raise


def _name_of(new: NewUpload, piece_ids: Sequence[str]) -> str:
    """The client's id of the whole: the same request again is the same upload, not a second file."""
    told = "\n".join([*piece_ids, new.path, new.digest or "", new.on_conflict.value])
    return f"joined-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}"
