"""Work that goes on to its end when its caller is cancelled, and is waited for before a file is closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Unfinished:
    """What callers have begun, and may have left behind."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Await `work`, which is done to its end also without us."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def settled(self) -> None:
        """Nothing of it is going on any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)
