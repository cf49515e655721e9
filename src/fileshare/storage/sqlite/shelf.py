"""What searches have read of packs, kept in memory for the next ones, and given back when none comes.

A pack's id is never given twice and what it holds never changes, so nothing kept can be
wrong. Used by the threads of all connections that read.
"""

import asyncio
from collections.abc import Callable
from sqlite3 import Connection
from threading import Lock
from typing import Any, Final, TypeVar

from fileshare.services import memory

T = TypeVar("T")

ROOM: Final = 96 << 20
"""Bytes kept at most: a million files take 70 MiB. What finds no room is read again by each search."""

IDLE_SECONDS: Final = 120.0
"""After so long without a search the memory is given back: to read a million names again takes 60 ms."""

_ROW: Final = "SELECT rowid FROM pack_columns WHERE pack = ?1 AND name = ?2"
_ALIVE: Final = "SELECT id FROM packs"


class Shelf:
    """Columns of packs by the pack's id and the column's name."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._kept: dict[tuple[int, str], tuple[int, Any]] = {}
        self._lock = Lock()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        """Bytes kept."""
        with self._lock:
            return sum(size for size, _ in self._kept.values())

    def column(self, db: Connection, pack: int, name: str, of: Callable[[bytes], T]) -> T:
        """A column of a pack, as `of` makes it from what the database keeps."""
        found = self._kept.get((pack, name))
        if found is not None:
            column: T = found[1]
            return column
        kept = _read(db, pack, name)
        column = of(kept)
        self._keep(db, (pack, name), len(kept), column)
        return column

    def use(self) -> None:
        """Keep what is kept for a while from now on; on the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.clear)

    def clear(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._kept.clear()
        memory.give_back()

    def _keep(self, db: Connection, key: tuple[int, str], size: int, column: object) -> None:
        alive = {pack for (pack,) in db.execute(_ALIVE)}
        with self._lock:
            for gone in [each for each in self._kept if each[0] not in alive]:
                del self._kept[gone]
            if size + sum(kept for kept, _ in self._kept.values()) <= self._room:
                self._kept[key] = size, column


def _read(db: Connection, pack: int, name: str) -> bytes:
    """A large value, read without the copy that a row of results would be."""
    (row,) = db.execute(_ROW, (pack, name)).fetchone()
    with db.blobopen("pack_columns", "kept", row, readonly=True) as blob:
        return blob.read()
