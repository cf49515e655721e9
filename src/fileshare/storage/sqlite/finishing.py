"""Finished uploads become files: content, version, name and receipt, hundreds in one transaction.

An item that can't be is noticed before anything of it is written, but perhaps its
folders, and leaves its neighbours alone. This is the busiest code of the database:
what can wait is written with the rest of the batch.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from fileshare.domain import names
from fileshare.domain.model import OnConflict, Receipt
from fileshare.domain.versions import FIRST
from fileshare.errors import Conflict, Fenced, FileshareError, NotFound
from fileshare.services.ports import Finish
from fileshare.storage.free_names import free_path
from fileshare.storage.sqlite import content_rows, receipt_rows, sums, tree, upload_rows, version_rows

_ADD_FILE: Final = (
    "INSERT INTO entries (parent_id, name, folded, kind, version, size, modified, created)"
    " VALUES (?1, ?2, ?3, 1, 1, ?4, ?5, ?6) ON CONFLICT DO NOTHING"
)
_CHILD: Final = "SELECT id, kind, version, size FROM entries WHERE parent_id = ?1 AND name = ?2"
_EPOCH: Final = "SELECT epoch FROM uploads WHERE id = ?1"
_ADD_CONTENT: Final = "INSERT INTO contents (digest, size, small) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
_CONTENT: Final = "SELECT id, small FROM contents WHERE digest = ?1"
_ADD_SMALL: Final = "INSERT INTO small_contents (content_id, data) VALUES (?1, ?2)"


def finish(db: Connection, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
    """Commit finished uploads in order, each with an outcome of its own."""
    batch = _Batch(db, now)
    batch.look_for_receipts(items)
    outcomes = [batch.finish(item) for item in items]
    batch.write_rows()
    return outcomes


class _Batch:
    """One transaction's items: what was found for them, and rows that are written together at its end."""

    def __init__(self, db: Connection, now: int) -> None:
        self._db = db
        self._now = now
        self._by_upload: dict[str, Receipt] = {}
        self._by_client: dict[tuple[int, str | None], Receipt] = {}
        self._folders: dict[str, int] = {}
        self._touched: set[int] = set()
        self._files = 0
        self._grown = 0
        self._new_receipts: list[Receipt] = []
        self._small_contents: list[tuple[int, bytes]] = []
        self._versions: list[tuple[int, ...]] = []

    def look_for_receipts(self, items: Sequence[Finish]) -> None:
        """What the items' uploads became when they were finished before."""
        clients = [(item.owner_id, item.client_id) for item in items if item.client_id is not None]
        for receipt in receipt_rows.known(self._db, [item.upload_id for item in items], clients):
            self._remember(receipt)

    def finish(self, item: Finish) -> Receipt | FileshareError:
        """The item's receipt, a new one or the one it has already, or why it can't be."""
        receipt = self._by_upload.get(item.upload_id) or self._by_client.get((item.owner_id, item.client_id))
        try:
            if receipt is None:
                self._check_epoch(item)
                receipt = self._store(item)
        except FileshareError as error:
            return error
        if item.epoch is not None:
            upload_rows.drop(self._db, item.upload_id)
        return receipt

    def write_rows(self) -> None:
        """Write what nothing in the batch depends on."""
        self._db.executemany(_ADD_SMALL, self._small_contents)
        self._db.executemany(version_rows.INSERT, self._versions)
        receipt_rows.add(self._db, self._new_receipts)
        sums.change(self._db, files=self._files, current=self._grown)
        for folder_id in self._touched:
            tree.touch(self._db, folder_id, self._now)

    def _remember(self, receipt: Receipt) -> None:
        self._by_upload[receipt.upload_id] = receipt
        if receipt.client_id is not None:
            self._by_client[receipt.owner_id, receipt.client_id] = receipt

    def _check_epoch(self, item: Finish) -> None:
        if item.epoch is None:
            return
        row = self._db.execute(_EPOCH, (item.upload_id,)).fetchone()
        if row is None:
            raise NotFound("There is no upload of that id.")
        if row[0] != item.epoch:
            raise Fenced()

    def _store(self, item: Finish) -> Receipt:
        path, file_id, version = self._place(item)
        content_id = self._keep_content(item)
        self._versions.append(
            (file_id, version, content_id, item.size, item.owner_id, item.modified, self._now)
        )
        receipt = Receipt(
            item.owner_id,
            item.upload_id,
            item.client_id,
            item.path,
            path,
            version,
            item.size,
            item.digest,
            self._now,
            item.note,
        )
        self._new_receipts.append(receipt)
        self._remember(receipt)
        return receipt

    def _place(self, item: Finish) -> tuple[str, int, int]:
        """Path, file and version that the content gets. Raises Conflict; BadName when no name is free."""
        folder, _, name = item.path.rpartition("/")
        folder_id = self._folder(folder)
        added = self._add_file(item, folder_id, name)
        if added is not None:
            return item.path, added, FIRST
        file_id, kind, version, size = self._db.execute(_CHILD, (folder_id, name)).fetchone()
        if kind == tree.FOLDER:
            raise Conflict("A folder of that name is in the way.")
        if item.on_conflict is OnConflict.REPLACE:
            change = (file_id, version + 1, item.size, item.modified)
            self._db.execute(version_rows.MAKE_CURRENT, change)
            self._grown += item.size - size
            return item.path, file_id, version + 1
        name = free_path(folder, name, lambda other: tree.child(self._db, folder_id, other) is not None)
        return names.join(folder, name), self._add_file(item, folder_id, name) or 0, FIRST

    def _folder(self, path: str) -> int:
        folder_id = self._folders.get(path)
        if folder_id is None:
            folder_id = self._folders[path] = tree.make_folder(self._db, path, self._now)
        return folder_id

    def _add_file(self, item: Finish, folder_id: int, name: str) -> int | None:
        """A new file's id, None where the name is taken."""
        row = (folder_id, name, tree.folded(name), item.size, item.modified, self._now)
        added = self._db.execute(_ADD_FILE, row)
        if not added.rowcount:
            return None
        self._touched.add(folder_id)
        self._files += 1
        self._grown += item.size
        return added.lastrowid

    def _keep_content(self, item: Finish) -> int:
        """The content's row. The first form that it came in stays; a blob beside small bytes is garbage."""
        digest = bytes.fromhex(item.digest)
        added = self._db.execute(_ADD_CONTENT, (digest, item.size, item.data is not None))
        if not added.rowcount:
            content_id, small = self._db.execute(_CONTENT, (digest,)).fetchone()
            if small and item.data is None:
                self._db.execute(content_rows.NOTE_GARBAGE, (digest, self._now))
            return int(content_id)
        content_id = added.lastrowid or 0
        if item.data is not None:
            self._small_contents.append((content_id, item.data))
        return content_id
