"""After an error that stopped writes: try to open the database anew, again and again until it takes one.

A quota that was met, a disk that was full or away for a while: when it is over, nobody
needs to start the server. Never for a database whose file is damaged.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

from fileshare.errors import FileshareError
from fileshare.storage.sqlite.connection import log

FIRST, MOST = 1.0, 30.0
"""Seconds between two tries: twice as long each time."""

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

REFUSALS = (sqlite3.Error, OSError, FileshareError)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong: that needs a hand."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED


class Comeback:
    """Calls `attempt` until it goes well; it raises one of REFUSALS as long as it does not."""

    def __init__(self, attempt: Callable[[], Awaitable[None]]) -> None:
        self._attempt = attempt
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on, where it isn't under way."""
        if self._task is None or self._task.done():
            self._ended.clear()
            self._task = asyncio.create_task(self._try())

    async def end(self) -> None:
        """No further try; the one under way is waited for."""
        self._ended.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _try(self) -> None:
        seconds = FIRST
        while not await self._has_ended_within(seconds):
            try:
                await self._attempt()
            except REFUSALS as error:
                log.error("the database takes no writes yet: %s", error)
                seconds = min(2 * seconds, MOST)
            else:
                log.warning("the database was opened anew and takes writes again")
                return

    async def _has_ended_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._ended.wait()
        except TimeoutError:
            return False
