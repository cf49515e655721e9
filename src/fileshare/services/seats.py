"""Which connections give way when there are too many, so that strangers can't shut friends out.

The one rule of both doors. Everybody is read at once, and nobody waits for a place: who comes has
a moment to say who it is; then, of an address or a door that has too many strangers, those
give way that never said a whole word, the oldest first, and then those that did. Who is being
answered keeps its place, as a login does that waits to be checked, and so does who has logged
in, while there is room at all. A trusted proxy, which waits for all its callers, is nobody's
stranger.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from fileshare.services.room import Room

GREEDY: Final = 10
"""Who holds one in so many of all that could move files loses busy ones too when no place is left: a
thousand of ten thousand are no person's, and nobody else's would be less missed."""

AT_ONCE: Final = 100
"""One in so many of those goes at a time where it has to be found out whose."""


MOMENT: Final = 5.0
"""Seconds that newcomers have to say who they are, however many there are: a handshake, a greeting and a
login over a slow line. What comes in them is bounded by all places. Less of it costs more: who has to go
comes again, and a thousand rude ones took 45 % of a processor with 2 s."""


class Sitter(Protocol):
    """One connection, as far as its place is concerned."""

    @property
    def group(self) -> str:
        """The address group it counts for."""
        ...

    @property
    def stranger(self) -> bool:
        """Whether it has not shown an account, and is no trusted proxy."""
        ...

    @property
    def holder(self) -> Hashable:
        """For whom it is open; None where that is nobody in particular."""
        ...

    def give_way(self) -> None:
        """End it now."""
        ...


@dataclass(slots=True)
class _Place:
    came: float
    """Seconds of the loop's clock."""
    heard: bool = False
    """Whether it has ever said a whole word."""
    group: str = ""

    @property
    def merit(self) -> tuple[bool, float]:
        """Who has less of it goes first."""
        return self.heard, self.came


class Seats:
    """All connections of a door: those that wait for a request, and those that have one.

    All in one event loop, so counts need no lock.
    """

    def __init__(self, room: Room, strangers: int, per_address: int, moment: float) -> None:
        """`strangers` may wait in all and `per_address` of one; newcomers have a `moment` (seconds) first."""
        self._room = room
        room.share(self)
        self._strangers = strangers
        self._per_address = per_address
        self._moment = moment
        self._open: dict[Sitter, _Place] = {}
        self._idle: dict[Sitter, None] = {}
        self._silent: dict[Sitter, _Place] = {}
        self._by_group: Counter[str] = Counter()
        self._trimming: asyncio.TimerHandle | None = None

    def come(self, sitter: Sitter) -> bool:
        """A new one takes its place; False where there is none, and then nothing was noted."""
        if not self._room.admits():
            return False
        self._open[sitter] = _Place(asyncio.get_running_loop().time())
        self.wait(sitter)
        return True

    def leave(self, sitter: Sitter) -> None:
        """It is gone; may come twice."""
        self._rise(sitter)
        if self._open.pop(sitter, None) is not None:
            self._room.left()

    def wait(self, sitter: Sitter) -> None:
        """Nothing is asked of us by it now."""
        place = self._open.get(sitter)
        if place is None:
            return
        self._rise(sitter)
        if not sitter.stranger:
            self._idle[sitter] = None
            return
        self._silent[sitter] = place
        place.group = sitter.group
        self._by_group[place.group] += 1
        if self._too_many(place.group) and self._trimming is None:
            # Not at once: of those who came in one moment the loop has read none yet.
            self._trim_in(self._moment)

    def ask(self, sitter: Sitter) -> None:
        """It has a request, which we answer."""
        self._rise(sitter)
        place = self._open.get(sitter)
        if place is not None:
            place.heard = True
        if not sitter.stranger:  # those who only say who they are hold no file, and nobody goes for them
            self._room.settle()

    @property
    def held(self) -> int:
        """See `room.Holder`: who is being answered may have a file open beside its socket."""
        return 2 * len(self._open) - len(self._idle) - len(self._silent)

    def make_room(self, *, by_waiting: bool) -> None:
        """See `room.Holder`."""
        for victim in self._least_missed(by_waiting):
            self._dismiss(victim)

    def close(self) -> None:
        """The door closes: nobody is asked to leave any more."""
        if self._trimming is not None:
            self._trimming.cancel()

    def _rise(self, sitter: Sitter) -> None:
        """It waits no more."""
        self._idle.pop(sitter, None)
        place = self._silent.pop(sitter, None)
        if place is None:
            return
        self._by_group[place.group] -= 1
        if not self._by_group[place.group]:
            del self._by_group[place.group]

    def _dismiss(self, sitter: Sitter) -> None:
        self.leave(sitter)
        sitter.give_way()

    # Too many strangers

    def _too_many(self, group: str) -> bool:
        return self._by_group[group] > self._per_address or len(self._silent) > self._strangers

    def _trim_in(self, seconds: float) -> None:
        self._trimming = asyncio.get_running_loop().call_later(seconds, self._trim)

    def _trim(self) -> None:
        """Those give way who had their moment, until each address and all together are within limits."""
        self._trimming = None
        ripe = asyncio.get_running_loop().time() - self._moment
        fresh = False
        for sitter, place in sorted(self._silent.items(), key=lambda one: one[1].merit):
            if not self._too_many(place.group):
                continue
            if place.came > ripe:
                fresh = True
            else:
                self._dismiss(sitter)
        if fresh:
            self._trim_in(self._moment / 4)

    # No place left at all

    def _least_missed(self, by_waiting: bool) -> Sequence[Sitter]:
        """A stranger who waits, else some who wait of those who hold most, else who asks of too many."""
        if self._silent:
            return [next(iter(self._silent))]
        waiting = self._of_most(list(self._idle), _holder)
        if waiting or by_waiting:
            return waiting
        strangers = [sitter for sitter in self._open if sitter.stranger]
        return self._of_most(strangers, lambda sitter: sitter.group) or self._of_most(self._greedy(), _holder)

    def _of_most(self, among: Sequence[Sitter], whose: Callable[[Sitter], Hashable]) -> Sequence[Sitter]:
        """The first of `among` that are of the one who has most of all that are open.

        Some at once, since to count ten thousand takes milliseconds, and the next newcomer follows.
        """
        if not among:
            return []
        held = Counter(map(whose, self._open))
        most = max(map(whose, among), key=held.__getitem__)
        mine = (sitter for sitter in among if whose(sitter) == most)
        return list(islice(mine, max(1, self._room.movers // AT_ONCE)))

    def _greedy(self) -> Sequence[Sitter]:
        held = Counter(map(_holder, self._open))
        least = max(2, self._room.movers // GREEDY)
        return [sitter for sitter in self._open if sitter.holder is not None and held[sitter.holder] >= least]


def _holder(sitter: Sitter) -> Hashable:
    return sitter.holder
