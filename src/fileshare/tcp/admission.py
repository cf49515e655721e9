"""Who may stay connected without having logged in, so that strangers can't shut friends out.

A hundred connections in all and twenty per address. When all seats are taken the
oldest that has not yet sent a whole first frame gives way; who has logged in never
does. Over the limit of its address a connection waits unread.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fileshare.domain.addresses import group_of
from fileshare.errors import Unavailable
from fileshare.tcp.stream import Stream


class Seat:
    """A place among those who have not logged in."""

    def __init__(self, stream: Stream, group: str) -> None:
        self.stream = stream
        self.group = group
        self.has_spoken = False
        """Whether a whole first frame has come: then it does not give way."""


class Admission:
    """The seats. All in one event loop, so counts need no lock."""

    def __init__(self, in_all: int, per_address: int, patience: float) -> None:
        self._in_all = in_all
        self._per_address = per_address
        self._patience = patience
        self._seats: dict[Stream, Seat] = {}
        self._by_group: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def seat(self, stream: Stream) -> AsyncIterator[Seat]:
        """A seat until the block ends or `leave` is called. Raises Unavailable when none came free."""
        group = group_of(stream.address)
        await self._wait_for_address(group)
        self._make_room()
        seat = Seat(stream, group)
        self._seats[stream] = seat
        self._by_group[group] += 1
        try:
            yield seat
        finally:
            await self.leave(seat)

    async def leave(self, seat: Seat) -> None:
        """The connection has logged in, or is gone."""
        if self._seats.pop(seat.stream, None) is None:
            return
        self._by_group[seat.group] -= 1
        if not self._by_group[seat.group]:
            del self._by_group[seat.group]
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_address(self, group: str) -> None:
        if self._by_group[group] < self._per_address:
            return
        try:
            async with asyncio.timeout(self._patience), self._changed:
                await self._changed.wait_for(lambda: self._by_group[group] < self._per_address)
        except TimeoutError:
            raise Unavailable("Too many connections from this address are not logged in.") from None

    def _make_room(self) -> None:
        if len(self._seats) < self._in_all:
            return
        silent = next((seat for seat in self._seats.values() if not seat.has_spoken), None)
        if silent is None:
            raise Unavailable("Too many connections are not logged in: try again in a moment.")
        silent.stream.abort()
