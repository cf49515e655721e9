"""Pieces of one large upload that came over other connections, appended to it one after the other.

A piece is an upload of its own, with its own durable offset; it is copied to the end of the
whole, whose digest goes on with it, and goes only when the whole has it durably. So whatever
is cut, each byte is at one of both, and the whole is resumed and finished like any other.
"""

import asyncio

from fileshare.domain.model import Caller, Receipt, Upload
from fileshare.errors import BadOffset, Conflict, NotFound
from fileshare.services.ports import Blobs
from fileshare.services.uploads import Uploads
from fileshare.services.workshop import Workshop
from fileshare.services.writer import Writer

STEP = 4 << 20
"""Bytes read at once: each read opens the piece anew."""


class Appending:
    """Appends uploads that were begun as pieces (`NewUpload.partial`) to others."""

    def __init__(self, shop: Workshop, uploads: Uploads) -> None:
        self._shop = shop
        self._uploads = uploads

    async def append(self, caller: Caller, upload_id: str, piece_id: str, offset: int) -> int:
        """The piece that begins at `offset` of the whole, behind what it has; returns its durable offset.

        Ids are the client's or ours. Asked for again it gives the same answer, also once the
        piece is gone. Raises NotFound for what is no half-done upload of the caller's, Conflict
        for a piece that is not complete or is none, BadOffset where bytes before it are missing,
        NoSpace. A caller that is cancelled does not stop it.
        """
        return await asyncio.shield(asyncio.create_task(self._append(caller, upload_id, piece_id, offset)))

    async def _append(self, caller: Caller, upload_id: str, piece_id: str, offset: int) -> int:
        whole = await self._whole(caller, upload_id)
        if isinstance(whole, Receipt):
            return whole.size  # whoever finished it had all pieces
        try:
            if whole.offset < offset:
                raise BadOffset(f"The upload has {whole.offset} bytes: append what is before {offset} first.")
            piece = await self._piece(caller, piece_id, gone=whole.offset > offset)
            if piece is not None:
                await self._copy(whole, piece, offset)
            durable = await whole.checkpoint()
            if piece is not None:
                await self._uploads.forget(piece.id)
        except BaseException:
            await whole.release()
            raise
        self._uploads.park(whole)
        return durable

    async def _whole(self, caller: Caller, upload_id: str) -> Writer | Receipt:
        """By our own id a writer that the piece before has left open is found."""
        found = await self._uploads.look(caller, upload_id)
        if isinstance(found, Receipt):
            return found
        return await self._uploads.go_on(caller, found.id, _nothing)

    async def _piece(self, caller: Caller, piece_id: str, *, gone: bool) -> Upload | None:
        """None where it may have been appended and removed before."""
        try:
            piece = await self._uploads.look(caller, piece_id)
        except NotFound:
            if gone:
                return None
            raise
        if not isinstance(piece, Upload) or not piece.partial:
            raise Conflict("This is no piece of a bigger file.")
        if piece.offset != piece.size:
            raise Conflict(f"The piece {piece_id} is not complete: send the rest of it first.")
        return piece

    async def _copy(self, whole: Writer, piece: Upload, offset: int) -> None:
        """What the whole does not have of it: a copy that was interrupted goes on."""
        bytes_of_it = _Bytes(self._shop.blobs, piece.id, whole.offset - offset)
        while (left := offset + piece.offset - whole.offset) > 0:
            if not await whole.receive(bytes_of_it, left):
                raise Conflict("The piece became shorter: send it again.")


class _Bytes:
    """A piece's bytes, as a source."""

    def __init__(self, blobs: Blobs, upload_id: str, offset: int) -> None:
        self._blobs = blobs
        self._upload_id = upload_id
        self._offset = offset

    async def read(self, limit: int) -> bytes:
        """See Source."""
        data = await self._blobs.read_part(self._upload_id, self._offset, min(limit, STEP))
        self._offset += len(data)
        return data


def _nothing() -> None:
    """Nobody sends bytes of the whole itself meanwhile."""
