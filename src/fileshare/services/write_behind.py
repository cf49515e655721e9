"""Writes that may trail by a second: many small rows become one commit.

For what no reply depends on (audit events, failed logins). A write that fails is
tried again with the next; the owner of the rows keeps them until then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fileshare.errors import FileshareError

_log = logging.getLogger("fileshare.database")


class WriteBehind:
    """Calls `write` soon after a `nudge`, and once more at `stop`.

    `write` takes what is pending and stores it; when it raises a FileshareError it
    has put back what was not stored.
    """

    def __init__(self, what: str, write: Callable[[], Awaitable[None]], delay: float = 1.0) -> None:
        """`what` names the rows in the log; `delay` is the most seconds that a row waits."""
        self._what = what
        self._write = write
        self._delay = delay
        self._due = asyncio.Event()
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def nudge(self) -> None:
        """There is something to write."""
        self._due.set()

    async def start(self) -> None:
        """Begin to write by itself."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name=f"write {self._what}")

    async def stop(self) -> None:
        """Write what is left and end. Safe to call twice, and without `start`."""
        self._stopping.set()
        self._due.set()
        if self._task is not None:
            await self._task
            self._task = None
        await self.flush()

    async def flush(self) -> None:
        """Write what is pending now; durable on return, unless the log says otherwise."""
        async with self._turn:
            self._due.clear()
            try:
                await self._write()
            except FileshareError as error:
                _log.error("%s could not be written and wait: %s", self._what, error.message)
                self._due.set()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._due.wait()
            await self._pause()
            try:
                await self.flush()
            except Exception:
                _log.exception("%s could not be written", self._what)

    async def _pause(self) -> None:
        """Let more come together, but not at the end."""
        try:
            await asyncio.wait_for(self._stopping.wait(), self._delay)
        except TimeoutError:
            return
