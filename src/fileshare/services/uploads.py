"""Begin, go on with, finish and give up uploads: what both doors call.

Who repeats an upload, by id or by path and digest, gets the same upload again, or its
receipt once it is stored; so a lost reply costs nothing and never makes a second file.
Another's upload is not found, never forbidden.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from fileshare.domain import upload as life
from fileshare.domain.access import Action, check
from fileshare.domain.digest import parse_digest
from fileshare.domain.model import Caller, Receipt, Upload, UploadState
from fileshare.domain.names import parse_path
from fileshare.errors import (
    BadRequest,
    Conflict,
    FileshareError,
    Forbidden,
    NotFound,
)
from fileshare.services.locks import Lease
from fileshare.services.new_uploads import NewUpload, checked, known_upload
from fileshare.services.parked import Parked
from fileshare.services.recovery import complete
from fileshare.services.workshop import Workshop
from fileshare.services.writer import Writer

_log = logging.getLogger("fileshare.server")


class Uploads:
    """The uploads of everyone, and the writers that hold some of them now."""

    def __init__(self, shop: Workshop, upload_days: float) -> None:
        self._shop = shop
        self._lifetime = round(upload_days * 86_400_000)
        self._writers: dict[str, Writer] = {}
        self._parked = Parked()

    # Begin and go on

    async def begin(self, caller: Caller, new: NewUpload, let_go: Callable[[], None]) -> Writer | Receipt:
        """Begin an upload, or go on with the caller's upload of that client id.

        A receipt when that one was stored. `let_go` is called when a newcomer wants it.
        Raises BadName, BadDigest, TooLarge, NoSpace, Conflict and Forbidden before the first byte.
        """
        upload = await checked(self._shop, caller, new)
        if new.client_id is not None:
            known = await known_upload(self._shop, caller, new.client_id, upload.path)
            if known is not None:
                return known if isinstance(known, Receipt) else await self._reopen(caller, known, let_go)
        await self._shop.space.reserve(upload.id, upload.size)
        try:
            return await self._create(caller, upload, let_go)
        except FileshareError:
            self._shop.space.release(upload.id)
            raise

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

    async def go_on(self, caller: Caller, upload_id: str, let_go: Callable[[], None]) -> Writer | Receipt:
        """As `resume` by id, at once where a writer of the same account was parked."""
        check(caller, Action.UPLOAD)
        parked = await self._parked.take(caller, upload_id, let_go)
        return parked or await self.resume(caller, let_go, upload_id=upload_id)

    async def look(self, caller: Caller, upload_id: str) -> Upload | Receipt:
        """The caller's upload as its row says, without asking its writer to let go. Raises NotFound."""
        check(caller, Action.UPLOAD)
        found = await self._by_id(caller, upload_id)
        if found is None:
            raise NotFound("There is no such upload of yours.")
        return found

    def park(self, writer: Writer) -> None:
        """Keep a writer whose bytes are durable at hand for the next request of its account."""
        self._parked.park(writer)

    async def _by_id(self, caller: Caller, upload_id: str) -> Upload | Receipt | None:
        """By the client's id or the server's; another's is not found.

        The upload is looked for first: what is finished between two looks shows in the last ones.
        """
        catalog, owner = self._shop.catalog, caller.account.id
        upload = await catalog.upload_by_client_id(owner, upload_id)
        if upload is None:
            with suppress(NotFound):
                upload = await catalog.upload(upload_id)
        receipt = await catalog.receipt(owner, upload_id) or await catalog.receipt_of(upload_id)
        found = receipt or upload
        return found if found is not None and found.owner_id == owner else None

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

    # What is half done

    async def list(self, caller: Caller) -> Sequence[Upload]:
        """The caller's own half-done uploads, the newest first; pieces are none by themselves."""
        check(caller, Action.UPLOAD)
        found = await self._shop.catalog.uploads(caller.account.id)
        return [upload for upload in found if not upload.partial]

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
        check(caller, Action.UPLOAD)
        found = await self._by_id(caller, upload_id)
        if found is None:
            found = await self._anyones(caller, upload_id)
        if isinstance(found, Receipt):
            raise Conflict("That upload is stored already: delete the file instead.")
        await self.forget(found.id)
        self._shop.audit.note(caller, "abort", found.path)

    async def _anyones(self, caller: Caller, upload_id: str) -> Upload:
        """An admin may abort any upload; for all others another's is not found."""
        with suppress(Forbidden):
            check(caller, Action.ABORT_ANY_UPLOAD)
            return await self._shop.catalog.upload(upload_id)
        raise NotFound("There is no such half-done upload of yours.")

    async def forget(self, upload_id: str) -> None:
        """Take an upload from whoever holds it, then remove row and part; nothing happens without them."""
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
            await self.forget(upload_id)

    async def expire(self) -> int:
        """Sweep what nobody went on with for `upload_days`; returns how many."""
        now, swept = self._shop.clock(), 0
        for upload in await self._shop.catalog.uploads():
            if self.expires_at(upload) <= now and self._shop.locks.holder(upload.id) is None:
                await self.forget(upload.id)
                self._shop.audit.note(None, "expire", upload.path, detail=f"upload {upload.id}")
                swept += 1
        return swept

    async def release_all(self) -> None:
        """Ask every connected writer to let go, and wait until each has kept what it has."""
        writers = self.writers()
        for writer in writers:
            writer.stop()
        await asyncio.gather(*(writer.wait_over() for writer in writers))
