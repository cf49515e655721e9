"""Files that arrive at once: small ones with all their bytes, and such as the server has already.

The same promises as for uploads in pieces: durable when it is answered, and who repeats
one gets its first receipt. To know a digest is never enough to get or place a content.
"""

import hmac
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from fileshare.domain.access import Action, check
from fileshare.domain.digest import digest_of_small, parse_digest
from fileshare.domain.model import Caller, OnConflict, Receipt, Upload
from fileshare.domain.names import parse_path
from fileshare.errors import DigestMismatch, FileshareError, NotFound, TooLarge
from fileshare.services.batches import Outcome
from fileshare.services.meters import Direction
from fileshare.services.new_uploads import NewUpload, checked, known_upload, new_ids
from fileshare.services.ports import Finish
from fileshare.services.workshop import Workshop, refuse_size

NONCE_BYTES = 32

_log = logging.getLogger("fileshare.server")


class SmallFile(Struct, frozen=True):
    """A whole small file with its bytes, for `WholeFiles.put`."""

    client_id: str
    path: str
    digest: str
    data: bytes | memoryview
    modified: int | None = None


class WholeFiles:
    """PUT, HAVE and PROVE, and what became of them."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    async def put(
        self, caller: Caller, files: Sequence[SmallFile], on_conflict: OnConflict
    ) -> Sequence[Outcome]:
        """Store whole small files, each with an outcome of its own; durable on return.

        One that was stored before under its client id gets its first receipt.
        """
        check(caller, Action.UPLOAD)
        if on_conflict is OnConflict.REPLACE:
            check(caller, Action.OVERWRITE)
        now = self._shop.clock()
        self._shop.meters.moved(Direction.RECEIVED, caller.door, sum(len(file.data) for file in files))
        ids = new_ids(self._shop, len(files))
        checked = [
            self._checked_small(caller, file, upload_id, on_conflict, now)
            for file, upload_id in zip(files, ids, strict=True)
        ]
        committed = iter(await self._shop.committer.commit([c for c in checked if isinstance(c, Finish)]))
        outcomes = [next(committed) if isinstance(c, Finish) else c for c in checked]
        self._note_all(caller, files, outcomes)
        return outcomes

    def _note_all(self, caller: Caller, files: Sequence[SmallFile], outcomes: Sequence[Outcome]) -> None:
        stored = [(one.path, _detail(one)) for one in outcomes if isinstance(one, Receipt)]
        if stored:
            self._shop.audit.note_all(caller, "upload", stored)
        for file, outcome in zip(files, outcomes, strict=True):
            if not isinstance(outcome, Receipt):
                self._note(caller, outcome, file.path, logged=False)
        if len(stored) < len(files):
            _log.warning("upload: %d of %d small files stored", len(stored), len(files))

    def _checked_small(
        self, caller: Caller, file: SmallFile, upload_id: str, on_conflict: OnConflict, now: int
    ) -> Finish | FileshareError:
        try:
            digest = parse_digest(file.digest)
            if len(file.data) > self._shop.small_size:
                raise TooLarge(
                    f"PUT takes files up to {self._shop.small_size} bytes: use UPLOAD for this one."
                )
            refuse_size(self._shop, len(file.data))
            if digest_of_small(file.data) != digest:
                raise DigestMismatch()
            path = parse_path(file.path)
        except FileshareError as error:
            return error
        return Finish(
            owner_id=caller.account.id,
            upload_id=upload_id,
            client_id=file.client_id,
            path=path,
            digest=digest,
            size=len(file.data),
            modified=now if file.modified is None else file.modified,
            on_conflict=on_conflict,
            data=bytes(file.data),
        )

    def _note(self, caller: Caller, outcome: Outcome, requested: str, *, logged: bool = True) -> None:
        if isinstance(outcome, Receipt):
            self._shop.audit.note(caller, "upload", outcome.path, "ok", _detail(outcome), logged=logged)
        else:
            self._shop.audit.note(caller, "upload", requested, outcome.code, logged=logged)

    async def challenge(self, caller: Caller, digest: str, size: int) -> bytes | None:
        """A fresh nonce when the server has this content where the caller can read it, else None."""
        check(caller, Action.UPLOAD)
        with suppress(NotFound):
            content = await self._shop.catalog.readable_content(parse_digest(digest))
            if content.size == size:
                return secrets.token_bytes(NONCE_BYTES)
        return None

    async def prove(self, caller: Caller, new: NewUpload, nonce: bytes, proof: str) -> Receipt:
        """Store content that is there already, for who shows SHA-256(nonce ‖ content) of it.

        Knowing the digest alone is not enough. Raises DigestMismatch for a wrong proof
        and NotFound when the content went away meanwhile: then send the bytes.
        """
        upload = await checked(self._shop, caller, new)
        known = await known_upload(self._shop, caller, new.client_id, upload.path) if new.client_id else None
        if isinstance(known, Receipt):
            return known
        digest = parse_digest(new.digest or "")
        async with self._shop.digest_locks.hold(digest):
            content = await self._shop.catalog.readable_content(digest)
            expected = await self._shop.blobs.keyed_digest(nonce, content)
            if content.size != new.size or not hmac.compare_digest(expected.hex(), proof.lower()):
                raise DigestMismatch("The proof is wrong: send the file's bytes.")
            (outcome,) = await self._shop.committer.commit([self._as_finish(upload, digest, content.size)])
        self._note(caller, outcome, upload.path)
        if isinstance(outcome, FileshareError):
            raise outcome
        return outcome

    @staticmethod
    def _as_finish(upload: Upload, digest: str, size: int) -> Finish:
        return Finish(
            owner_id=upload.owner_id,
            upload_id=upload.id,
            client_id=upload.client_id,
            path=upload.path,
            digest=digest,
            size=size,
            modified=upload.created if upload.modified is None else upload.modified,
            on_conflict=upload.on_conflict,
            note=upload.note,
        )

    async def receipts(self, caller: Caller, client_ids: Sequence[str]) -> Sequence[Receipt]:
        """What became of those of the caller's uploads that are stored."""
        check(caller, Action.UPLOAD)
        found = [await self._shop.catalog.receipt(caller.account.id, one) for one in client_ids]
        return [receipt for receipt in found if receipt is not None]


def _detail(receipt: Receipt) -> str:
    return f"{receipt.size} bytes, version {receipt.version}"
