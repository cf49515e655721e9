"""The catalog in SQLite: each method is one unit of the `*_rows` modules in one transaction.

What the methods promise stands at `services.ports.Catalog`. No SQL here.
"""

from collections.abc import Iterable, Mapping, Sequence

from fileshare.domain.model import Entry, File, Folder, Receipt, Trashed, Upload, Version
from fileshare.errors import FileshareError
from fileshare.services.ports import Content, Finish, Listing, Page, SmallContent, Usage
from fileshare.storage.sqlite import (
    checking,
    content_rows,
    entry_rows,
    finishing,
    listing,
    receipt_rows,
    small_rows,
    sums,
    trash_rows,
    upload_rows,
    version_rows,
    walking,
)
from fileshare.storage.sqlite.database import Database
from fileshare.storage.sqlite.packing import Packer
from fileshare.storage.sqlite.purging import Purger
from fileshare.storage.sqlite.shelf import Shelf


class SqliteCatalog:
    """`services.ports.Catalog` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._purger = Purger(database)
        self._packer = Packer(database)
        self._shelf = Shelf()

    # Uploads

    async def add_upload(self, upload: Upload) -> None:
        """See the port."""
        await self._database.run(upload_rows.add, upload)

    async def upload(self, upload_id: str) -> Upload:
        """See the port."""
        return await self._database.read(upload_rows.find, upload_id)

    async def upload_by_client_id(self, owner_id: int, client_id: str) -> Upload | None:
        """See the port."""
        return await self._database.read(upload_rows.by_client_id, owner_id, client_id)

    async def furthest_upload(self, owner_id: int, path: str, digest: str) -> Upload | None:
        """See the port."""
        return await self._database.read(upload_rows.furthest, owner_id, path, digest)

    async def uploads(self, owner_id: int | None = None) -> Sequence[Upload]:
        """See the port."""
        return await self._database.read(upload_rows.newest_first, owner_id)

    async def update_upload(self, upload: Upload, expected_epoch: int) -> None:
        """See the port."""
        await self._database.run(upload_rows.update, upload, expected_epoch)

    async def drop_upload(self, upload_id: str) -> None:
        """See the port."""
        await self._database.run(upload_rows.drop, upload_id)

    async def finish(self, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
        """See the port."""
        outcomes = await self._database.run(finishing.finish, items, now)
        self._packer.note(len(items))
        return outcomes

    async def receipt(self, owner_id: int, client_id: str) -> Receipt | None:
        """See the port."""
        return await self._database.read(receipt_rows.of_client, owner_id, client_id)

    async def receipt_of(self, upload_id: str) -> Receipt | None:
        """See the port."""
        return await self._database.read(receipt_rows.of_upload, upload_id)

    async def receipt_for(self, owner_id: int, path: str, digest: str) -> Receipt | None:
        """See the port."""
        return await self._database.read(receipt_rows.for_path, owner_id, path, digest)

    async def expire_receipts(self, before: int) -> int:
        """See the port."""
        return await self._database.run(receipt_rows.expire, before)

    # Files and folders

    async def entry(self, path: str) -> Entry:
        """See the port."""
        return await self._database.read(entry_rows.entry, path)

    async def listing(self, what: Listing) -> Page:
        """See the port."""
        if what.query:
            self._shelf.use()
        return await self._database.read(listing.listing, what, self._shelf)

    async def walk(self, path: str, limit: int, cursor: str | None = None) -> Page:
        """See the port."""
        return await self._database.read(walking.walk, path, limit, cursor)

    async def count_files(self, path: str = "") -> int:
        """See the port."""
        return await self._database.read(walking.count_files, path)

    async def make_folder(self, path: str, now: int) -> Folder:
        """See the port."""
        return await self._database.run(entry_rows.make_folder, path, now)

    async def move(self, path: str, to: str, now: int) -> Entry:
        """See the port."""
        return await self._database.run(entry_rows.move, path, to, now)

    async def versions(self, path: str) -> Sequence[Version]:
        """See the port."""
        return await self._database.read(version_rows.of_file, path)

    async def stored(self, path: str, number: int | None) -> tuple[Version, Content]:
        """See the port."""
        return await self._database.read(version_rows.stored, path, number)

    async def restore_version(self, path: str, number: int, owner_id: int, now: int) -> File:
        """See the port."""
        return await self._database.run(version_rows.restore, path, number, owner_id, now)

    async def prune_versions(self, path: str, keep: int) -> int:
        """See the port."""
        return await self._database.run(version_rows.prune, path, keep)

    async def paths_over(self, versions: int, limit: int) -> Sequence[str]:
        """See the port."""
        return await self._database.read(version_rows.paths_over, versions, limit)

    # Trash

    async def trash(self, path: str, account_id: int, now: int) -> Trashed:
        """See the port."""
        return await self._database.run(trash_rows.trash, path, account_id, now)

    async def trashed(self) -> Sequence[Trashed]:
        """See the port."""
        return await self._database.read(trash_rows.trashed)

    async def untrash(self, trash_id: int, now: int) -> Entry:
        """See the port."""
        return await self._database.run(trash_rows.untrash, trash_id, now)

    async def purge(self, trash_ids: Iterable[int], now: int) -> int:
        """See the port."""
        return await self._purger.purge(list(trash_ids), now)

    # Contents

    async def content(self, digest: str) -> Content:
        """See the port."""
        return await self._database.read(content_rows.content, digest)

    async def readable_content(self, digest: str) -> Content:
        """See the port."""
        return await self._database.read(content_rows.readable_content, digest)

    async def small_contents(
        self, paths: Sequence[str], most: int
    ) -> Sequence[SmallContent | FileshareError]:
        """See the port."""
        return await self._database.read(small_rows.small_contents, paths, most)

    async def contents(self, after: str, limit: int) -> Sequence[Content]:
        """See the port."""
        return await self._database.read(content_rows.contents, after, limit)

    async def count_contents(self) -> int:
        """See the port."""
        return await self._database.read(content_rows.count)

    async def inconsistencies(self) -> Sequence[str]:
        """See the port."""
        return await self._database.read(checking.inconsistencies)

    async def paths_of(self, digest: str) -> Sequence[str]:
        """See the port."""
        return await self._database.read(content_rows.paths_of, digest)

    async def garbage(self, limit: int) -> Sequence[str]:
        """See the port. What an interrupted purge has left is garbage too, and goes first."""
        self._packer.begin()
        await self._purger.go_on()
        return await self._database.read(content_rows.garbage, limit)

    async def note_garbage(self, digests: Iterable[str], now: int) -> None:
        """See the port."""
        await self._database.run(content_rows.note_garbage, list(digests), now)

    async def unknown_blobs(self, digests: Sequence[str]) -> Sequence[str]:
        """See the port."""
        return await self._database.read(content_rows.unknown_blobs, digests)

    async def release_contents(self, digests: Sequence[str]) -> Sequence[str]:
        """See the port."""
        return await self._database.run(content_rows.release, digests)

    async def forget_garbage(self, digests: Iterable[str]) -> None:
        """See the port."""
        await self._database.run(content_rows.forget_garbage, list(digests))

    async def shrink(self) -> bool:
        """See the port."""
        return await self._database.shrink()

    async def pack(self) -> None:
        """Pack all names that are due. Searches find the same without it, only later."""
        await self._packer.go_on()

    async def usage(self) -> Usage:
        """See the port."""
        return await self._database.read(sums.usage)

    async def usage_by_owner(self) -> Mapping[int, int]:
        """See the port."""
        return await self._database.read(sums.by_owner)
