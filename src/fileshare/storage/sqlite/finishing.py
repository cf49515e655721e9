"""Finished uploads become files: content, version, name and receipt, hundreds in one transaction.

Everything is looked at before anything of an item is written, so that an item which
can't be leaves no trace and its neighbours alone. This is the busiest code of the
database: a small file costs some tens of microseconds here.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final, NamedTuple

from fileshare.domain import names
from fileshare.domain.model import OnConflict, Receipt
from fileshare.domain.versions import FIRST
from fileshare.errors import Conflict, Fenced, FileshareError, NotFound
from fileshare.services.ports import Finish
from fileshare.storage.free_names import free_path
from fileshare.storage.sqlite import content_rows, receipt_rows, tree, upload_rows, version_rows

_CHILD: Final = "SELECT id, kind, version FROM entries WHERE parent_id = ?1 AND name = ?2"
_EPOCH: Final = "SELECT epoch FROM uploads WHERE id = ?1"
_CONTENT: Final = "SELECT small FROM contents WHERE digest = ?1"
_ADD_CONTENT: Final = "INSERT INTO contents (digest, size, small) VALUES (?1, ?2, ?3)"
_ADD_SMALL: Final = "INSERT INTO small_contents (content_id, data) VALUES (?1, ?2)"
_ADD_FILE: Final = (
    "INSERT INTO entries (parent_id, name, folded, kind, version, size, modified, created)"
    " VALUES (?1, ?2, ?3, 1, 1, ?4, ?5, ?6)"
)


def finish(db: Connection, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
    """Commit finished uploads in order, each with an outcome of its own."""
    batch = _Batch(db, now)
    outcomes = [batch.finish(item) for item in items]
    batch.touch_folders()
    return outcomes


class _Place(NamedTuple):
    """Where an item's content goes: a new file of that path, or the next version of a file."""

    path: str
    name: str
    folder_id: int
    file_id: int | None
    version: int


class _Batch:
    """One transaction's items, and the folders that were found for them."""

    def __init__(self, db: Connection, now: int) -> None:
        self._db = db
        self._now = now
        self._folders: dict[str, int] = {}
        self._touched: set[int] = set()

    def finish(self, item: Finish) -> Receipt | FileshareError:
        """The item's receipt, a new one or the one it has already, or why it can't be."""
        try:
            receipt = self._receipt(item)
            if receipt is None:
                self._check_epoch(item)
                receipt = self._store(item)
        except FileshareError as error:
            return error
        if item.epoch is not None:
            upload_rows.drop(self._db, item.upload_id)
        return receipt

    def touch_folders(self) -> None:
        """Folders that got a new file changed now; once for all files of the batch."""
        for folder_id in self._touched:
            tree.touch(self._db, folder_id, self._now)

    def _receipt(self, item: Finish) -> Receipt | None:
        found = receipt_rows.of_upload(self._db, item.upload_id)
        if found is None and item.client_id is not None:
            found = receipt_rows.of_client(self._db, item.owner_id, item.client_id)
        return found

    def _check_epoch(self, item: Finish) -> None:
        if item.epoch is None:
            return
        row = self._db.execute(_EPOCH, (item.upload_id,)).fetchone()
        if row is None:
            raise NotFound("There is no upload of that id.")
        if row[0] != item.epoch:
            raise Fenced()

    def _store(self, item: Finish) -> Receipt:
        place = self._place(item)
        digest = bytes.fromhex(item.digest)
        self._keep_content(item, digest)
        file_id = self._write_entry(item, place)
        version = (file_id, place.version, digest, item.size, item.owner_id, item.modified, self._now)
        self._db.execute(version_rows.INSERT, version)
        receipt = Receipt(
            item.owner_id,
            item.upload_id,
            item.client_id,
            item.path,
            place.path,
            place.version,
            item.size,
            item.digest,
            self._now,
        )
        receipt_rows.add(self._db, receipt, digest)
        return receipt

    def _place(self, item: Finish) -> _Place:
        """Where it goes. Raises Conflict; BadName when no name is free."""
        folder, _, name = item.path.rpartition("/")
        folder_id = self._folder(folder)
        row = self._db.execute(_CHILD, (folder_id, name)).fetchone()
        if row is None:
            return _Place(item.path, name, folder_id, None, FIRST)
        file_id, kind, version = row
        if kind == tree.FOLDER:
            raise Conflict("A folder of that name is in the way.")
        if item.on_conflict is OnConflict.REPLACE:
            return _Place(item.path, name, folder_id, file_id, version + 1)
        name = free_path(folder, name, lambda other: tree.child(self._db, folder_id, other) is not None)
        return _Place(names.join(folder, name), name, folder_id, None, FIRST)

    def _folder(self, path: str) -> int:
        folder_id = self._folders.get(path)
        if folder_id is None:
            folder_id = self._folders[path] = tree.make_folder(self._db, path, self._now)
        return folder_id

    def _keep_content(self, item: Finish, digest: bytes) -> None:
        """The first form that a content came in stays; a blob beside small bytes is for the sweeper."""
        row = self._db.execute(_CONTENT, (digest,)).fetchone()
        if row is not None:
            if row[0] and item.data is None:
                self._db.execute(content_rows.NOTE_GARBAGE, (digest, self._now))
            return
        added = self._db.execute(_ADD_CONTENT, (digest, item.size, item.data is not None))
        if item.data is not None:
            self._db.execute(_ADD_SMALL, (added.lastrowid, item.data))

    def _write_entry(self, item: Finish, place: _Place) -> int:
        if place.file_id is not None:
            change = (place.file_id, place.version, item.size, item.modified)
            self._db.execute(version_rows.MAKE_CURRENT, change)
            return place.file_id
        self._touched.add(place.folder_id)
        row = (place.folder_id, place.name, tree.folded(place.name), item.size, item.modified, self._now)
        return self._db.execute(_ADD_FILE, row).lastrowid or 0
