"""Finished uploads become files: content, version, name and receipt, hundreds in one transaction.

An item that can't be is noticed before anything of it is written, but perhaps its
folders, and leaves its neighbours alone. This is the busiest code of the database:
what can wait is written with the rest of the batch.
"""

from collections.abc import Sequence
from itertools import groupby
from sqlite3 import Connection, IntegrityError
from typing import Final

from fileshare.domain import names
from fileshare.domain.model import OnConflict, Receipt
from fileshare.domain.versions import FIRST
from fileshare.errors import Conflict, Fenced, FileshareError, NotFound
from fileshare.services.ports import Finish
from fileshare.storage.free_names import free_path
from fileshare.storage.sqlite import (
    content_rows,
    many_rows,
    receipt_rows,
    sums,
    tree,
    upload_rows,
    version_rows,
)

_ADD_FILE: Final = (
    "INSERT INTO entries (parent_id, name, folded, kind, version, size, modified, created)"
    " VALUES (?1, ?2, ?3, 1, 1, ?4, ?5, ?6) ON CONFLICT DO NOTHING"
)
_ADD_FILES: Final = (
    "INSERT INTO entries (id, parent_id, name, folded, kind, version, size, modified, created)"
)
_LAST_ENTRY: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'entries'"
_CHILD: Final = "SELECT id, kind, version, size FROM entries WHERE parent_id = ?1 AND name = ?2"
_EPOCH: Final = "SELECT epoch FROM uploads WHERE id = ?1"
_ADD_CONTENT: Final = "INSERT INTO contents (digest, size, small) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
_ADD_CONTENTS: Final = "INSERT INTO contents (id, digest, size, small)"
_LAST_CONTENT: Final = "SELECT coalesce(max(id), 0) FROM contents"
_CONTENT: Final = "SELECT id, small FROM contents WHERE digest = ?1"
_ADD_SMALL: Final = "INSERT INTO small_contents (content_id, data)"


def finish(db: Connection, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
    """Commit finished uploads in order, each with an outcome of its own."""
    batch = _Batch(db, now)
    batch.look_for_receipts(items)
    outcomes = [
        outcome
        for _, beside in groupby(items, _folder_of)
        for some in many_rows.pieces([*beside])
        for outcome in batch.finish(some)
    ]
    batch.write_rows()
    return outcomes


def _folder_of(item: Finish) -> str:
    return names.parent_of(item.path)


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
        self._stored: list[tuple[Finish, int, int]] = []

    def look_for_receipts(self, items: Sequence[Finish]) -> None:
        """What the items' uploads became when they were finished before."""
        clients = [(item.owner_id, item.client_id) for item in items if item.client_id is not None]
        for receipt in receipt_rows.known(self._db, [item.upload_id for item in items], clients):
            self._remember(receipt)

    def finish(self, items: Sequence[Finish]) -> Sequence[Receipt | FileshareError]:
        """What becomes of items of one folder, in order."""
        if len(items) > 1 and all(map(self._is_new, items)):
            receipts = self._store_together(items)
            if receipts is not None:
                return receipts
        return [self._finish(item) for item in items]

    def _is_new(self, item: Finish) -> bool:
        """Whether nothing is known of the item, in no row of its own and in no receipt."""
        known = item.upload_id in self._by_upload or (item.owner_id, item.client_id) in self._by_client
        return item.epoch is None and not known

    def _store_together(self, items: Sequence[Finish]) -> Sequence[Receipt] | None:
        """All of them as new files, by one statement; None where that can't be, and nothing was written."""
        if len({(item.owner_id, item.client_id) for item in items if item.client_id}) < len(items):
            return None
        try:
            folder_id = self._folder(_folder_of(items[0]))
        except FileshareError:
            return None
        (last,) = self._db.execute(_LAST_ENTRY).fetchone()
        rows = [(file_id, *self._row(item, folder_id)) for file_id, item in enumerate(items, last + 1)]
        try:
            many_rows.insert_piece(self._db, _ADD_FILES, rows)
        except IntegrityError:  # a name is taken
            return None
        self._added(folder_id, items)
        return [
            self._remember_stored(item, item.path, file_id, FIRST)
            for file_id, item in enumerate(items, last + 1)
        ]

    def _finish(self, item: Finish) -> Receipt | FileshareError:
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
        known = self._keep_new_contents()
        versions = [
            (
                file_id,
                version,
                known.get(item.digest) or self._keep_content(item),
                item.size,
                item.owner_id,
                item.modified,
                self._now,
            )
            for item, file_id, version in self._stored
        ]
        many_rows.insert(self._db, _ADD_SMALL, self._small_contents)
        many_rows.insert(self._db, version_rows.INTO, versions)
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
        return self._remember_stored(item, *self._place(item))

    def _remember_stored(self, item: Finish, path: str, file_id: int, version: int) -> Receipt:
        self._stored.append((item, file_id, version))
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
        self._added(folder_id, [item])
        return added.lastrowid

    def _row(self, item: Finish, folder_id: int) -> tuple[object, ...]:
        name = names.name_of(item.path)
        kind = tree.FILE
        return folder_id, name, tree.folded(name), kind, FIRST, item.size, item.modified, self._now

    def _added(self, folder_id: int, items: Sequence[Finish]) -> None:
        self._touched.add(folder_id)
        self._files += len(items)
        self._grown += sum(item.size for item in items)

    def _keep_new_contents(self) -> dict[str, int]:
        """Add small contents that nobody has yet, many by one statement; returns their ids by digest.

        Not those that the batch has as a blob, too: of the two forms the first one stays.
        """
        new = {item.digest: item for item, _, _ in self._stored}
        for item, _, _ in self._stored:
            if item.data is None:
                new.pop(item.digest, None)
        (last,) = self._db.execute(_LAST_CONTENT).fetchone()
        kept: dict[str, int] = {}
        for some in many_rows.pieces([*new.values()]):
            ids = range(last + 1, last + 1 + len(some))
            rows = [
                (key, bytes.fromhex(item.digest), item.size, 1) for key, item in zip(ids, some, strict=True)
            ]
            try:
                many_rows.insert_piece(self._db, _ADD_CONTENTS, rows)
            except IntegrityError:  # one of them is there already
                continue
            last += len(some)
            kept.update((item.digest, key) for key, item in zip(ids, some, strict=True))
            self._small_contents += [(key, item.data or b"") for key, item in zip(ids, some, strict=True)]
        return kept

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
