"""Deleting for good, in slices, so that uploads get their turn at the writer in between.

First what goes is marked, in one transaction: from then on nobody sees it and nothing
brings it back. Then its rows go slice by slice, what lies below before what is above.
What a kill has interrupted is still marked, and gone on with later.
"""

import asyncio
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Final, NamedTuple

from fileshare.storage.sqlite import content_rows, sums, tree
from fileshare.storage.sqlite.database import Database

SLICE: Final = 2000
"""Entries deleted in one transaction, some 30 to 100 ms."""

_FOLDERS: Final = f"{tree.FOLDERS_BELOW} SELECT id FROM folders"  # noqa: S608 (constants)
_TOP: Final = "SELECT entry_id FROM trash WHERE id = ?1"
_FILES: Final = "SELECT id FROM entries WHERE parent_id = ?1 AND kind = 1 LIMIT ?2"
_SIZE: Final = "SELECT size FROM entries WHERE id = ?1 AND kind = 1"
_SHRINK: Final = "UPDATE trash SET size = size - ?2, files = files - ?3, current = current - ?4 WHERE id = ?1"
_VERSIONS: Final = "SELECT content_id, size FROM versions WHERE entry_id = ?1"


class Purger:
    """Purges entries of the trash; a caller that is cancelled does not stop it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: set[asyncio.Task[int]] = set()

    async def purge(self, trash_ids: Sequence[int], now: int) -> int:
        """Delete for good; returns the bytes of contents that nobody refers to any more."""
        task = asyncio.create_task(self._mark_and_purge(trash_ids, now))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _mark_and_purge(self, trash_ids: Sequence[int], now: int) -> int:
        return await self._purge(await self._database.run(mark, trash_ids), now)

    async def go_on(self) -> None:
        """Finish what a kill or a full disk has interrupted."""
        if not self._running:
            await self._purge(await self._database.read(marked), now=0)

    async def _purge(self, trash_ids: Sequence[int], now: int) -> int:
        return sum([await self._purge_one(trash_id, now) for trash_id in trash_ids])

    async def _purge_one(self, trash_id: int, now: int) -> int:
        folders = await self._database.read(folders_of, trash_id)
        freed = 0
        while folders:
            done = await self._database.run(purge_slice, trash_id, folders, now)
            del folders[len(folders) - done.folders :]
            freed += done.freed
        return freed

    def _ended(self, task: "asyncio.Task[int]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # told to the caller; without one, `go_on` tries again


class Sliced(NamedTuple):
    """What a slice has done: how many folders at the end of the list are gone, and bytes given up."""

    folders: int
    freed: int


def mark(db: Connection, trash_ids: Iterable[int]) -> Sequence[int]:
    """Mark entries of the trash to be purged; returns those that were there, also marked before."""
    return [
        trash_id
        for trash_id in dict.fromkeys(trash_ids)
        if db.execute("UPDATE trash SET doomed = 1 WHERE id = ?1", (trash_id,)).rowcount
    ]


def marked(db: Connection) -> Sequence[int]:
    """What is marked and not gone yet."""
    return [trash_id for (trash_id,) in db.execute("SELECT id FROM trash WHERE doomed = 1")]


def folders_of(db: Connection, trash_id: int) -> list[int]:
    """A marked entry and all folders below it, each before those that it holds."""
    row = db.execute(_TOP, (trash_id,)).fetchone()
    return [] if row is None else [folder_id for (folder_id,) in db.execute(_FOLDERS, {"folder": row[0]})]


def purge_slice(db: Connection, trash_id: int, folders: Sequence[int], now: int) -> Sliced:
    """Delete up to `SLICE` entries from the end of `folders`: files first, then the folder that held them."""
    doomed: list[int] = []
    finished = 0
    for folder_id in reversed(folders):
        files = db.execute(_FILES, (folder_id, SLICE - len(doomed))).fetchall()
        doomed += [file_id for (file_id,) in files]
        if len(doomed) >= SLICE:
            break
        doomed.append(folder_id)
        finished += 1
    return Sliced(finished, _delete(db, trash_id, doomed, now))


def _delete(db: Connection, trash_id: int, entry_ids: Sequence[int], now: int) -> int:
    """Delete entries with their versions; returns the bytes given up."""
    versions = [row for entry_id in entry_ids for row in db.execute(_VERSIONS, (entry_id,))]
    sizes = [row[0] for entry_id in entry_ids for row in db.execute(_SIZE, (entry_id,))]
    db.execute(_SHRINK, (trash_id, sum(size for _, size in versions), len(sizes), sum(sizes)))
    sums.change(db, files=-len(sizes), current=-sum(sizes))
    db.executemany("DELETE FROM entries WHERE id = ?1", [(entry_id,) for entry_id in entry_ids])
    return content_rows.give_up(db, {content_id for content_id, _ in versions}, now)
