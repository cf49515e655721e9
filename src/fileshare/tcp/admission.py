"""Who may stay connected without having logged in, so that strangers can't shut friends out.

A hundred connections in all and twenty per address. When the seats are taken, the
oldest of them that has not yet sent a whole first frame gives way, then the oldest that
spoke and did not log in for ten seconds; who has logged in never does. Where neither is
to be had of an address, its next connection waits unread.
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
        """Whether a whole first frame has come: then it does not give way for a while."""
        self.busy = False
        """Whether it is being answered, as by a login that waits to be checked: then it never does."""
        self.taken = asyncio.get_running_loop().time()


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
        if self._by_group[group] >= self._per_address and not self._evict(group):
            await self._wait_for_address(group)
        if len(self._seats) >= self._in_all and not self._evict():
            raise Unavailable("Too many connections are not logged in: try again in a moment.")
        seat = self._seats[stream] = Seat(stream, group)
        self._by_group[group] += 1
        try:
            yield seat
        finally:
            await self.leave(seat)

    async def leave(self, seat: Seat) -> None:
        """The connection has logged in, or is gone."""
        if self._free(seat):
            async with self._changed:
                self._changed.notify_all()

    def _free(self, seat: Seat) -> bool:
        """Whether the seat was still taken."""
        if self._seats.pop(seat.stream, None) is None:
            return False
        self._by_group[seat.group] -= 1
        if not self._by_group[seat.group]:
            del self._by_group[seat.group]
        return True

    def _evict(self, group: str | None = None) -> bool:
        """Let the oldest give way that has not sent a whole frame, or else the oldest that has had its time.

        Otherwise a hundred connections that say HELLO again and again would keep all others out.
        False when there is none (of that group).
        """
        seats = [seat for seat in self._seats.values() if group in (None, seat.group) and not seat.busy]
        ripe = asyncio.get_running_loop().time() - self._patience
        silent = (seat for seat in seats if not seat.has_spoken)
        seat = next(silent, None) or next((seat for seat in seats if seat.taken <= ripe), None)
        if seat is None:
            return False
        self._free(seat)
        seat.stream.abort()
        return True

    async def _wait_for_address(self, group: str) -> None:
        try:
            async with asyncio.timeout(self._patience), self._changed:
                await self._changed.wait_for(lambda: self._by_group[group] < self._per_address)
        except TimeoutError:
            if not self._evict(group):
                raise Unavailable("Too many connections from this address are not logged in.") from None
