"""Uploads, receipts and finishing in memory."""

from collections.abc import Sequence

from msgspec.structs import replace

from fileshare.domain import names, versions
from fileshare.domain.model import OnConflict, Receipt, Upload
from fileshare.errors import Conflict, Fenced, FileshareError, NotFound
from fileshare.services.ports import Content, Finish
from fileshare.storage.free_names import free_path
from fileshare.storage.memory.state import State
from fileshare.storage.memory.tree import FileNode, FolderNode, Stored
from fileshare.storage.mishaps import reads, writes


class Uploads(State):
    """The part of the catalog that uploads go through."""

    @writes
    async def add_upload(self, upload: Upload) -> None:
        """See the port."""
        if upload.id in self._uploads or self._by_client_id(upload.owner_id, upload.client_id):
            raise Conflict("There is an upload of that id already.")
        self._uploads[upload.id] = upload

    @reads
    async def upload(self, upload_id: str) -> Upload:
        """See the port."""
        return self._upload(upload_id)

    def _upload(self, upload_id: str) -> Upload:
        if upload_id not in self._uploads:
            raise NotFound("There is no upload of that id.")
        return self._uploads[upload_id]

    @reads
    async def upload_by_client_id(self, owner_id: int, client_id: str) -> Upload | None:
        """See the port."""
        return self._by_client_id(owner_id, client_id)

    def _by_client_id(self, owner_id: int, client_id: str | None) -> Upload | None:
        mine = (upload for upload in self._uploads.values() if upload.owner_id == owner_id)
        return next((u for u in mine if u.client_id == client_id and client_id is not None), None)

    @reads
    async def furthest_upload(self, owner_id: int, path: str, digest: str) -> Upload | None:
        """See the port."""
        wanted = (owner_id, path, digest)
        fitting = [u for u in self._uploads.values() if (u.owner_id, u.path, u.digest) == wanted]
        return max(fitting, key=lambda u: (u.offset, u.created, u.id), default=None)

    @reads
    async def uploads(self, owner_id: int | None = None) -> Sequence[Upload]:
        """See the port."""
        wanted = [u for u in self._uploads.values() if owner_id in (None, u.owner_id)]
        return sorted(wanted, key=lambda u: (u.created, u.id), reverse=True)

    @writes
    async def update_upload(self, upload: Upload, expected_epoch: int) -> None:
        """See the port."""
        row = self._upload(upload.id)
        if row.epoch != expected_epoch:
            raise Fenced()
        self._uploads[upload.id] = replace(
            row,
            size=upload.size,
            offset=upload.offset,
            state=upload.state,
            found_digest=upload.found_digest,
            epoch=upload.epoch,
            boot_id=upload.boot_id,
            device=upload.device,
            touched=upload.touched,
            hash_state=upload.hash_state,
        )

    @writes
    async def drop_upload(self, upload_id: str) -> None:
        """See the port."""
        self._uploads.pop(upload_id, None)

    def forget_owner(self, owner_id: int) -> Sequence[str]:
        """For `MemoryAccounts`, which deletes an account: its uploads and receipts end with it."""
        gone = [upload.id for upload in self._uploads.values() if upload.owner_id == owner_id]
        for upload_id in gone:
            del self._uploads[upload_id]
        for upload_id, receipt in list(self._receipts.items()):
            if receipt.owner_id == owner_id:
                del self._receipts[upload_id]
        return gone

    # Finishing

    @writes
    async def finish(self, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
        """See the port."""
        return [self._finish_one(item, now) for item in items]

    def _finish_one(self, item: Finish, now: int) -> Receipt | FileshareError:
        try:
            receipt = self._receipts.get(item.upload_id) or self._receipt(item.owner_id, item.client_id)
            if receipt is None:
                self._check_epoch(item)
                receipt = self._store(item, now)
            if item.epoch is not None:
                self._uploads.pop(item.upload_id, None)
        except FileshareError as error:
            return error
        return receipt

    def _check_epoch(self, item: Finish) -> None:
        if item.epoch is not None and self._upload(item.upload_id).epoch != item.epoch:
            raise Fenced()

    def _store(self, item: Finish, now: int) -> Receipt:
        file = self._place(item, now)
        self._keep_content(item, now)
        number = versions.next_number(version.number for version in file.versions)
        file.versions.append(Stored(number, item.digest, item.size, item.modified, now, item.owner_id))
        receipt = Receipt(
            owner_id=item.owner_id,
            upload_id=item.upload_id,
            client_id=item.client_id,
            requested=item.path,
            path=file.path,
            version=number,
            size=item.size,
            digest=item.digest,
            created=now,
            note=item.note,
        )
        self._receipts[item.upload_id] = receipt
        return receipt

    def _place(self, item: Finish, now: int) -> FileNode:
        """The file that gets the new version: a new one, or the one to replace."""
        parent, name = names.parent_of(item.path), names.name_of(item.path)
        folder = self._tree.make_folder(parent, now)
        there = folder.children.get(name)
        if isinstance(there, FolderNode):
            raise Conflict("A folder of that name is in the way.")
        if isinstance(there, FileNode):
            if item.on_conflict is OnConflict.REPLACE:
                return there
            name = free_path(parent, name, folder.children.__contains__)
        file = FileNode(id=self._tree.next_id(), name=name, parent=None, created=now)
        self._tree.attach(file, folder, name, now)
        return file

    def _keep_content(self, item: Finish, now: int) -> None:
        """The first form that a content came in stays; a blob beside inline bytes is for the sweeper."""
        kept = self._contents.setdefault(item.digest, Content(item.digest, item.size, item.data))
        if item.data is None and kept.data is not None:
            self._garbage.setdefault(item.digest, now)

    @reads
    async def receipt(self, owner_id: int, client_id: str) -> Receipt | None:
        """See the port."""
        return self._receipt(owner_id, client_id)

    def _receipt(self, owner_id: int, client_id: str | None) -> Receipt | None:
        mine = (receipt for receipt in self._receipts.values() if receipt.owner_id == owner_id)
        return next((r for r in mine if r.client_id == client_id and client_id is not None), None)

    @reads
    async def receipt_of(self, upload_id: str) -> Receipt | None:
        """See the port."""
        return self._receipts.get(upload_id)

    @reads
    async def receipt_for(self, owner_id: int, path: str, digest: str) -> Receipt | None:
        """See the port."""
        wanted = (owner_id, path, digest)
        found = [r for r in self._receipts.values() if (r.owner_id, r.requested, r.digest) == wanted]
        return max(reversed(found), key=lambda r: r.created, default=None)

    @writes
    async def expire_receipts(self, before: int) -> int:
        """See the port."""
        old = [upload_id for upload_id, receipt in self._receipts.items() if receipt.created < before]
        for upload_id in old:
            del self._receipts[upload_id]
        return len(old)
