"""What the connections of all doors may hold open together: a socket each, and a file while one is answered.

So ten thousand that wait fit where half of them could be moving files, and whoever begins
to finds a descriptor left. Who gives way for it, each door's `Seats` knows.
"""

import asyncio
from typing import Final, Protocol

from fileshare.services import memory

MANY: Final = 2_000_000
"""Places where nobody counts."""

CROWD: Final = 512
"""Places from which on memory is given back when seven in eight of those who took them have gone."""

SOON: Final = 1.0
"""Seconds after that, when the last of them have been cleared up."""


class Holder(Protocol):
    """A door."""

    @property
    def held(self) -> int:
        """Places that its connections take."""
        ...

    def make_room(self, *, by_waiting: bool) -> None:
        """Let somebody go, if anybody can: with `by_waiting` only such as wait for nothing of ours."""
        ...


class Room:
    """So many places for all doors. All in one event loop, so counts need no lock."""

    def __init__(self, places: int = MANY) -> None:
        self.places: Final = places
        self._doors: list[Holder] = []
        self._crowd = 0
        """The most places that were taken since memory was given back."""

    def share(self, door: Holder) -> None:
        """One more door takes places here."""
        self._doors.append(door)

    @property
    def movers(self) -> int:
        """How many connections have place when all of them move files."""
        return self.places // 2

    def admits(self) -> bool:
        """Whether one more connection has place; somebody gives way for it where that can be."""
        self._crowd = max(self._crowd, self._held)
        return self._fits(1, by_waiting=False)

    def left(self) -> None:
        """A connection has gone."""
        if self._crowd >= CROWD and self._held <= self._crowd // 8:
            self._crowd = 0
            asyncio.get_running_loop().call_later(SOON, memory.give_back)

    def settle(self) -> None:
        """A connection has begun to ask, and takes one place more: somebody who waits gives way for it."""
        self._fits(0, by_waiting=True)

    def _fits(self, more: int, *, by_waiting: bool) -> bool:
        """Of the door that holds most first."""
        if self._has(more):
            return True
        for door in sorted(self._doors, key=lambda one: one.held, reverse=True):
            door.make_room(by_waiting=by_waiting)
            if self._has(more):
                return True
        return False

    def _has(self, more: int) -> bool:
        return self._held + more <= self.places

    @property
    def _held(self) -> int:
        return sum(door.held for door in self._doors)
