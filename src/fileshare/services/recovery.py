"""What a start, or a second try, does with uploads that something had interrupted.

Idempotent: killed in the middle, the next run does the same again. Needs no person.
An upload that was VERIFYING becomes a file; on another boot its bytes are hashed
again before, since a power cut may have taken what the page cache only held.
"""

import logging
from dataclasses import dataclass

from fileshare.domain import upload as life
from fileshare.domain.model import Receipt, Upload, UploadState
from fileshare.errors import Conflict, Damaged, FileshareError, NotFound
from fileshare.services.committing import commit_verified
from fileshare.services.ports import Content
from fileshare.services.workshop import Workshop

_log = logging.getLogger("fileshare.server")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery did, for the log and the banner."""

    finished: int = 0
    reopened: int = 0
    orphan_parts: int = 0


async def recover(shop: Workshop) -> Recovered:
    """Before the doors open: finish what was VERIFYING, remove parts that no row knows."""
    uploads = await shop.catalog.uploads()
    finished = reopened = 0
    for upload in uploads:
        if upload.state is UploadState.VERIFYING:
            if await _complete_or_log(shop, upload):
                finished += 1
            else:
                reopened += 1
    orphans = set(await shop.blobs.parts()) - {upload.id for upload in uploads}
    for upload_id in orphans:
        await shop.blobs.discard(upload_id)
    result = Recovered(finished, reopened, len(orphans))
    _log.info("recovery: %s; %d uploads can be resumed", result, len(uploads) - finished)
    return result


async def _complete_or_log(shop: Workshop, upload: Upload) -> bool:
    try:
        return await complete(shop, upload) is not None
    except FileshareError as error:
        _log.warning("upload %s could not be finished at start: %s", upload.id, error.message)
        return False


async def complete(shop: Workshop, upload: Upload) -> Receipt | None:
    """Finish a VERIFYING upload; None when its bytes were not all there and it is RECEIVING again.

    Raises Conflict when a folder has taken its path; the upload is gone then.
    """
    digest = upload.found_digest
    if digest is None:
        raise ValueError("a VERIFYING upload has a found digest")
    if not await _is_whole(shop, upload, digest):
        await _receive_again(shop, upload)
        return None
    try:
        receipt = await commit_verified(shop, upload, digest, upload.offset, None)
    except Conflict:
        await shop.catalog.drop_upload(upload.id)
        raise
    _log.info("upload %s was finished after an interruption", upload.id)
    return receipt


async def _is_whole(shop: Workshop, upload: Upload, digest: str) -> bool:
    """Whether part or blob hold the verified bytes; they are read again unless this is the same boot."""
    same_boot = upload.boot_id == shop.blobs.boot_id
    part = upload.id in set(await shop.blobs.parts())
    if part:
        if same_boot:
            return True
        return await shop.blobs.rehash_part(upload.id) == (upload.offset, digest)
    if not await shop.blobs.exists(digest, upload.offset):
        return False
    if same_boot:
        return True
    try:
        return await shop.blobs.rehash(Content(digest, upload.offset)) == digest
    except (Damaged, NotFound):
        return False


async def _receive_again(shop: Workshop, upload: Upload) -> None:
    """Back to RECEIVING at what the part still holds."""
    part = await shop.blobs.reopen(upload)
    try:
        now = shop.clock()
        back = life.reopen(upload, part.offset, shop.blobs.boot_id, part.device, now)
        await shop.catalog.update_upload(back, expected_epoch=upload.epoch)
        _log.warning("upload %s was not whole on disk; it can be resumed from %d", upload.id, part.offset)
    finally:
        await part.close()
