"""Turns at what takes memory until it is read: so many at once for one account, on however many connections.

Who asks for lists on a thousand connections and reads none holds eight of them, and waits for
itself alone.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

AT_ONCE: Final = 8
"""Lists of one account: of version 1 they have at most 64 MiB each, of version 2 one."""


@dataclass(slots=True)
class _Line:
    turns: asyncio.Semaphore
    users: int = 0


class Turns:
    """One line for each holder, as long as anybody is in it."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._lines: dict[Hashable, _Line] = {}

    @asynccontextmanager
    async def turn(self, holder: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends."""
        line = self._lines.setdefault(holder, _Line(asyncio.Semaphore(self._at_once)))
        line.users += 1
        try:
            async with line.turns:
                yield
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[holder]
