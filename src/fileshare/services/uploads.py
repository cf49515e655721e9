"""Begin, go on with, finish and give up uploads: what both doors call.

Who repeats an upload, by id or by path and digest, gets the same upload again, or its
receipt once it is stored; so a lost reply costs nothing and never makes a second file.
Another's upload is not found, never forbidden.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fileshare.domain import upload as life
from fileshare.domain.access import Action, check
from fileshare.domain.digest import parse_digest
from fileshare.domain.model import Caller, Folder, OnConflict, Receipt, Upload, UploadState
from fileshare.domain.names import parent_of, parse_path, shown
from fileshare.errors import (
    BadRequest,
    Conflict,
    DigestMismatch,
    FileshareError,
    Forbidden,
    NotFound,
    TooLarge,
)
from fileshare.services.batches import Outcome
from fileshare.services.locks import Lease
from fileshare.services.ports import Finish
from fileshare.services.recovery import complete
from fileshare.services.writer import Workshop, Writer, too_large

NONCE_BYTES = 32

_log = logging.getLogger("fileshare.server")


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a client asks for. `path` and `digest` are raw text; `modified` is milliseconds."""

    path: str
    size: int | None = None
    digest: str | None = None
    on_conflict: OnConflict = OnConflict.KEEP_BOTH
    modified: int | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A whole small file with its bytes, for `Uploads.put`."""

    client_id: str
    path: str
    digest: str
    data: bytes | memoryview
    modified: int | None = None


class Uploads:
    """The uploads of everyone, and the writers that hold some of them now."""

    def __init__(self, shop: Workshop, upload_days: float) -> None:
        self._shop = shop
        self._lifetime = round(upload_days * 86_400_000)
        self._writers: dict[str, Writer] = {}

    # Begin and go on

    async def begin(self, caller: Caller, new: NewUpload, let_go: Callable[[], None]) -> Writer | Receipt:
        """Begin an upload, or go on with the caller's upload of that client id.

        A receipt when that one was stored. `let_go` is called when a newcomer wants it.
        Raises BadName, BadDigest, TooLarge, NoSpace, Conflict and Forbidden before the first byte.
        """
        upload = await self._checked(caller, new)
        if new.client_id is not None:
            known = await self._known(caller, new.client_id, upload.path)
            if known is not None:
                return known if isinstance(known, Receipt) else await self._reopen(caller, known, let_go)
        await self._shop.space.reserve(upload.id, upload.size)
        try:
            return await self._create(caller, upload, let_go)
        except FileshareError:
            self._shop.space.release(upload.id)
            raise

    async def _checked(self, caller: Caller, new: NewUpload) -> Upload:
        """The upload as it would be, when the caller may and the path can take it."""
        check(caller, Action.UPLOAD)
        if new.on_conflict is OnConflict.REPLACE:
            check(caller, Action.OVERWRITE)
        path = parse_path(new.path)
        await self._refuse_folder(path)
        self._refuse_size(new.size)
        return life.begin(
            self._new_id(),
            caller.account.id,
            path,
            now=self._shop.clock(),
            boot_id=self._shop.blobs.boot_id,
            device=self._shop.blobs.device,
            client_id=new.client_id,
            size=new.size,
            digest=None if new.digest is None else parse_digest(new.digest),
            on_conflict=new.on_conflict,
            modified=new.modified,
        )

    def _new_id(self) -> str:
        """32 hex digits that nobody can guess. In order of time, so that batches touch few pages."""
        return f"{self._shop.clock():012x}{secrets.token_hex(10)}"

    async def _refuse_folder(self, path: str) -> None:
        """Say before the first byte what the commit would refuse: a folder there, a file above."""
        try:
            there = await self._shop.catalog.entry(path)
        except NotFound:
            if parent := parent_of(path):
                await self._refuse_file(parent)
        else:
            if isinstance(there, Folder):
                raise Conflict(f"{shown(path)} is a folder: choose another name for the file.")

    async def _refuse_file(self, path: str) -> None:
        while path:
            with suppress(NotFound):
                if not isinstance(await self._shop.catalog.entry(path), Folder):
                    raise Conflict(f"{shown(path)} is a file, so nothing can be put below it.")
                return
            path = parent_of(path)

    def _refuse_size(self, size: int | None) -> None:
        allowed = self._shop.max_file_size
        if size is not None and allowed is not None and size > allowed:
            raise too_large(allowed)

    async def _known(self, caller: Caller, client_id: str, path: str) -> Upload | Receipt | None:
        receipt = await self._shop.catalog.receipt(caller.account.id, client_id)
        if receipt is None:
            upload = await self._shop.catalog.upload_by_client_id(caller.account.id, client_id)
            if upload is None or upload.path == path:
                return upload
        elif receipt.requested == path:
            return receipt
        raise Conflict(f"The upload id {client_id!r} belongs to another path: choose a new one.")

    async def _create(self, caller: Caller, upload: Upload, let_go: Callable[[], None]) -> Writer:
        lease = await self._shop.locks.claim(upload.id, let_go)
        try:
            part = await self._shop.blobs.create(upload.id)
            try:
                await self._shop.catalog.add_upload(upload)
            except FileshareError:
                await part.close()
                await self._shop.blobs.discard(upload.id)
                raise
        except BaseException:
            self._shop.locks.release(lease)
            raise
        return self._hold(Writer(self._shop, caller, upload, part, lease))

    async def resume(
        self,
        caller: Caller,
        let_go: Callable[[], None],
        *,
        upload_id: str | None = None,
        path: str | None = None,
        digest: str | None = None,
    ) -> Writer | Receipt:
        """Go on with an upload by either of its ids, or with the furthest of a path and digest.

        Raises NotFound when the caller has none; a finished one gives its receipt.
        """
        check(caller, Action.UPLOAD)
        if upload_id is not None:
            found = await self._by_id(caller, upload_id)
        elif path is not None and digest is not None:
            found = await self._by_content(caller, parse_path(path), parse_digest(digest))
        else:
            raise BadRequest("Name the upload to resume: its upload_id, or its path and digest.")
        if found is None:
            raise NotFound("There is no such half-done upload of yours: upload the file from the start.")
        return found if isinstance(found, Receipt) else await self._reopen(caller, found, let_go)

    async def _by_id(self, caller: Caller, upload_id: str) -> Upload | Receipt | None:
        """By the client's id or the server's; another's is not found."""
        catalog, owner = self._shop.catalog, caller.account.id
        found = await catalog.receipt(owner, upload_id) or await catalog.receipt_of(upload_id)
        upload = found or await catalog.upload_by_client_id(owner, upload_id)
        if upload is None:
            with suppress(NotFound):
                upload = await catalog.upload(upload_id)
        return upload if upload is not None and upload.owner_id == owner else None

    async def _by_content(self, caller: Caller, path: str, digest: str) -> Upload | Receipt | None:
        catalog, owner = self._shop.catalog, caller.account.id
        upload = await catalog.furthest_upload(owner, path, digest)
        receipt = await catalog.receipt_for(owner, path, digest)
        if upload is not None and receipt is not None:
            # Finished last, and the reply was lost: going on with an older piece would make a `_v2`.
            return receipt if receipt.created >= upload.touched else upload
        return upload or receipt

    async def _reopen(self, caller: Caller, upload: Upload, let_go: Callable[[], None]) -> Writer | Receipt:
        """Take an upload over from whoever holds it, and find out how far it is."""
        lease = await self._shop.locks.claim(upload.id, let_go)
        try:
            receipt = await self._shop.catalog.receipt_of(upload.id)
            if receipt is None:
                current = await self._shop.catalog.upload(upload.id)
                if current.state is UploadState.VERIFYING:
                    receipt = await complete(self._shop, current)
            if receipt is not None:
                self._shop.locks.release(lease)
                return receipt
            return await self._take_over(caller, upload.id, lease)
        except BaseException:
            self._shop.locks.release(lease)
            self._shop.space.release(upload.id)
            raise

    async def _take_over(self, caller: Caller, upload_id: str, lease: Lease) -> Writer:
        upload = await self._shop.catalog.upload(upload_id)
        part = await self._shop.blobs.reopen(upload)
        try:
            if part.offset < upload.offset:
                _log.warning("upload %s is shorter on disk than its row said; it goes back", upload.id)
            now = self._shop.clock()
            opened = life.reopen(upload, part.offset, self._shop.blobs.boot_id, part.device, now)
            opened = life.take_over(opened, now)
            await self._shop.catalog.update_upload(opened, expected_epoch=upload.epoch)
            left = None if opened.size is None else opened.size - part.offset
            await self._shop.space.reserve(upload.id, left)
        except BaseException:
            await part.close()
            raise
        return self._hold(Writer(self._shop, caller, opened, part, lease))

    def _hold(self, writer: Writer) -> Writer:
        self._writers = {key: held for key, held in self._writers.items() if not held.over}
        self._writers[writer.upload.id] = writer
        return writer

    # Small files, and files that are there already

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
        checked = [self._checked_small(caller, file, on_conflict, now) for file in files]
        committed = iter(await self._shop.committer.commit([c for c in checked if isinstance(c, Finish)]))
        outcomes = [next(committed) if isinstance(c, Finish) else c for c in checked]
        for file, outcome in zip(files, outcomes, strict=True):
            self._note(caller, outcome, file.path, logged=False)
        stored = sum(isinstance(outcome, Receipt) for outcome in outcomes)
        _log.info("upload: %d of %d small files stored", stored, len(files))
        return outcomes

    def _checked_small(
        self, caller: Caller, file: SmallFile, on_conflict: OnConflict, now: int
    ) -> Finish | FileshareError:
        try:
            digest = parse_digest(file.digest)
            if len(file.data) > self._shop.small_size:
                raise TooLarge(
                    f"PUT takes files up to {self._shop.small_size} bytes: use UPLOAD for this one."
                )
            self._refuse_size(len(file.data))
            if hashlib.sha256(file.data).hexdigest() != digest:
                raise DigestMismatch()
            path = parse_path(file.path)
        except FileshareError as error:
            return error
        return Finish(
            owner_id=caller.account.id,
            upload_id=self._new_id(),
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
            detail = f"{outcome.size} bytes, version {outcome.version}"
            self._shop.audit.note(caller, "upload", outcome.path, "ok", detail, logged=logged)
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
        upload = await self._checked(caller, new)
        known = await self._known(caller, new.client_id, upload.path) if new.client_id else None
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
        )

    # What is half done

    async def list(self, caller: Caller) -> Sequence[Upload]:
        """The caller's own half-done uploads, the newest first."""
        check(caller, Action.UPLOAD)
        return await self._shop.catalog.uploads(caller.account.id)

    async def receipts(self, caller: Caller, client_ids: Sequence[str]) -> Sequence[Receipt]:
        """What became of those of the caller's uploads that are stored."""
        check(caller, Action.UPLOAD)
        found = [await self._shop.catalog.receipt(caller.account.id, one) for one in client_ids]
        return [receipt for receipt in found if receipt is not None]

    async def list_all(self, caller: Caller) -> Sequence[Upload]:
        """Everyone's half-done uploads, for an admin."""
        check(caller, Action.SEE_TRANSFERS)
        return await self._shop.catalog.uploads()

    def expires_at(self, upload: Upload) -> int:
        """When an upload is swept if nobody goes on with it, milliseconds."""
        return upload.touched + self._lifetime

    def writers(self) -> Sequence[Writer]:
        """The writers that are connected now."""
        return [writer for writer in self._writers.values() if not writer.over]

    async def abort(self, caller: Caller, upload_id: str) -> None:
        """Give an upload up, by either of its ids; row and bytes go. Raises NotFound."""
        found = await self._by_id(caller, upload_id)
        if found is None:
            found = await self._anyones(caller, upload_id)
        if isinstance(found, Receipt):
            raise Conflict("That upload is stored already: delete the file instead.")
        await self._forget(found.id)
        self._shop.audit.note(caller, "abort", found.path)

    async def _anyones(self, caller: Caller, upload_id: str) -> Upload:
        """An admin may abort any upload; for all others another's is not found."""
        with suppress(Forbidden):
            check(caller, Action.ABORT_ANY_UPLOAD)
            return await self._shop.catalog.upload(upload_id)
        raise NotFound("There is no such half-done upload of yours.")

    async def _forget(self, upload_id: str) -> None:
        """Take the upload from whoever holds it, then remove row and part."""
        lease = await self._shop.locks.claim(upload_id, lambda: None)
        try:
            with suppress(NotFound):
                upload = await self._shop.catalog.upload(upload_id)
                if upload.found_digest is not None:  # its bytes may be a blob already
                    await self._shop.catalog.note_garbage([upload.found_digest], self._shop.clock())
            await self._shop.catalog.drop_upload(upload_id)
            await self._shop.blobs.discard(upload_id)
        finally:
            self._shop.locks.release(lease)

    async def forget_all(self, upload_ids: Sequence[str]) -> None:
        """Remove the uploads of a deleted account, whose rows may be gone already."""
        for upload_id in upload_ids:
            await self._forget(upload_id)

    async def expire(self) -> int:
        """Sweep what nobody went on with for `upload_days`; returns how many."""
        now, swept = self._shop.clock(), 0
        for upload in await self._shop.catalog.uploads():
            if self.expires_at(upload) <= now and self._shop.locks.holder(upload.id) is None:
                await self._forget(upload.id)
                self._shop.audit.note(None, "expire", upload.path, detail=f"upload {upload.id}")
                swept += 1
        return swept

    async def release_all(self) -> None:
        """Ask every connected writer to let go, and wait until each has kept what it has."""
        writers = self.writers()
        for writer in writers:
            writer.stop()
        await asyncio.gather(*(writer.wait_over() for writer in writers))
