"""The last step of every upload whose bytes were verified: blob, then name, version and receipt together."""

from fileshare.domain.model import Receipt, Upload
from fileshare.errors import Conflict, FileshareError
from fileshare.services.ports import Finish
from fileshare.services.workshop import Workshop


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
