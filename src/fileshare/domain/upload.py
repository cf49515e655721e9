"""The life of an upload as pure transitions: RECEIVING, VERIFYING, then STORED, REJECTED or ABANDONED.

"Paused" is RECEIVING with nobody writing. Each function takes the upload as it was and
returns it as it is to be stored; none of them touches a store or a clock. What a peer
can cause raises a FileshareError; what only a mistake of ours can cause, ValueError.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from fileshare.domain.model import OnConflict, Upload, UploadState
from fileshare.errors import BadOffset, DigestMismatch, TooLarge

RECEIVING, VERIFYING = UploadState.RECEIVING, UploadState.VERIFYING
STORED, REJECTED, ABANDONED = UploadState.STORED, UploadState.REJECTED, UploadState.ABANDONED

TRANSITIONS: Final[Mapping[UploadState, frozenset[UploadState]]] = MappingProxyType(
    {
        # More bytes arrive; all are there; or they are not the promised ones; or nobody wants them.
        RECEIVING: frozenset({RECEIVING, VERIFYING, REJECTED, ABANDONED}),
        # A new owner of the lease; committed; found wrong or short after a power cut; owner deleted.
        VERIFYING: frozenset({VERIFYING, STORED, REJECTED, RECEIVING, ABANDONED}),
        STORED: frozenset(),
        REJECTED: frozenset(),
        ABANDONED: frozenset(),
    }
)
"""From each state the ones that may follow. The last three have no row and no successor."""

NO_BOOT: Final = ""
"""Stands for a boot that has never been."""

LIVE: Final = frozenset(state for state, following in TRANSITIONS.items() if following)
"""The states that have a row."""


def begin(
    upload_id: str,
    owner_id: int,
    path: str,
    *,
    now: int,
    boot_id: str,
    device: int,
    client_id: str | None = None,
    size: int | None = None,
    digest: str | None = None,
    on_conflict: OnConflict = OnConflict.KEEP_BOTH,
    modified: int | None = None,
    partial: bool = False,
    note: str = "",
) -> Upload:
    """A new upload of which no byte has arrived. Raises BadOffset for a negative size."""
    if size is not None and size < 0:
        raise BadOffset(f"A file can't have {size} bytes: send its size, 0 or more.")
    return Upload(
        id=upload_id,
        client_id=client_id,
        owner_id=owner_id,
        path=path,
        size=size,
        digest=digest,
        on_conflict=on_conflict,
        modified=modified,
        state=RECEIVING,
        offset=0,
        epoch=1,
        boot_id=boot_id,
        device=device,
        created=now,
        touched=now,
        partial=partial,
        note=note,
    )


def advance(upload: Upload, offset: int, now: int, hash_state: bytes | None = None) -> Upload:
    """All bytes before `offset` are durable. Raises TooLarge past the size that was announced.

    `hash_state` is their digest in the making, or that of some of them, from the first on.
    """
    if upload.state is not RECEIVING or offset < upload.offset:
        raise ValueError(f"an upload that is {upload.state} at {upload.offset} can't advance to {offset}")
    check_size(upload, offset)
    return _to(upload, RECEIVING, now, offset=offset, hash_state=hash_state)


def promise(upload: Upload, now: int, size: int | None = None, digest: str | None = None) -> Upload:
    """Learn what was not known at the beginning: size and digest, as END tells them.

    Raises BadOffset when the size is not the announced one or smaller than what arrived,
    and DigestMismatch when another digest had been promised.
    """
    if upload.state is not RECEIVING:
        raise ValueError(f"an upload that is {upload.state} is promised nothing more")
    if size is not None and (size < upload.offset or upload.size not in (None, size)):
        raise BadOffset(
            f"The file was said to have {size} bytes in the end; "
            f"{upload.offset} have arrived{_announced(upload)}: upload it anew."
        )
    if digest is not None and upload.digest not in (None, digest):
        raise DigestMismatch("The digest at the end is not the one that was promised at the beginning.")
    known_size = upload.size if size is None else size
    return _to(upload, RECEIVING, now, size=known_size, digest=upload.digest if digest is None else digest)


def verify(upload: Upload, digest: str, now: int) -> Upload:
    """All bytes are durable and have this digest; its size is settled now.

    Raises BadOffset when bytes are missing, DigestMismatch when the promise was another.
    """
    if upload.state is not RECEIVING:
        raise ValueError(f"an upload that is {upload.state} can't be verified")
    if upload.size is not None and upload.offset != upload.size:
        raise BadOffset(f"Only {upload.offset} of {upload.size} bytes have arrived: resume the upload.")
    if upload.digest not in (None, digest):
        raise DigestMismatch()
    return _to(upload, VERIFYING, now, size=upload.offset, found_digest=digest)


def reopen(upload: Upload, offset: int, boot_id: str, device: int, now: int) -> Upload:
    """Receive again from `offset`, the bytes that are durable on this boot and device.

    It may be more than the row knew (a mere kill) or less (a part that a power cut left
    short), and a VERIFYING upload is RECEIVING again. Raises TooLarge past the size.
    """
    if offset < 0:
        raise ValueError(f"{offset} is no offset")
    check_size(upload, offset)
    again = _to(upload, RECEIVING, now, offset=offset, boot_id=boot_id, device=device, found_digest=None)
    return again if offset >= upload.offset else replace(again, hash_state=None)


def doubt(upload: Upload, now: int) -> Upload:
    """What lies past the offset, or comes there, is not to be believed when the part is opened again.

    No boot has that id, so that the part is then cut back as after a power cut. `reopen` ends it.
    """
    if upload.state is not RECEIVING:
        raise ValueError(f"an upload that is {upload.state} receives nothing to doubt")
    return _to(upload, RECEIVING, now, boot_id=NO_BOOT)


def take_over(upload: Upload, now: int) -> Upload:
    """Another writer holds it from now on; a write with the old epoch is refused by the store."""
    return _to(upload, upload.state, now, epoch=upload.epoch + 1)


def store(upload: Upload, now: int) -> Upload:
    """Its content is committed under a name."""
    return _to(upload, STORED, now)


def reject(upload: Upload, now: int) -> Upload:
    """Its bytes are not the promised ones; they are thrown away."""
    return _to(upload, REJECTED, now)


def abandon(upload: Upload, now: int) -> Upload:
    """Nobody wants it any more: aborted, too old, or its owner was deleted."""
    return _to(upload, ABANDONED, now)


def expires_at(upload: Upload, lifetime: int) -> int | None:
    """When it may be swept, `lifetime` milliseconds after its last use; None while it is VERIFYING."""
    return upload.touched + lifetime if upload.state is RECEIVING else None


def check_size(upload: Upload, offset: int) -> None:
    """Refuse bytes past the announced size, as TooLarge."""
    if upload.size is not None and offset > upload.size:
        raise TooLarge(
            f"More bytes came ({offset}) than the {upload.size} that were announced: upload the file anew."
        )


def _announced(upload: Upload) -> str:
    return "" if upload.size is None else f" and {upload.size} were announced"


def _to(upload: Upload, state: UploadState, now: int, **changes: object) -> Upload:
    """The upload in its next state. Raises ValueError where the table does not lead there."""
    if state not in TRANSITIONS[upload.state]:
        raise ValueError(f"an upload that is {upload.state} can't become {state}")
    return replace(upload, state=state, touched=now, **changes)
