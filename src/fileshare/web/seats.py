"""Which connections give way when there are too many, so that strangers can't shut friends out.

Who has logged in keeps its place, and so does whatever is being answered, while there is room
at all. What waits without having said who it is gives way, the oldest first; a trusted proxy,
which waits for all its callers, is nobody's stranger.
"""

import asyncio
from collections import Counter
from typing import Protocol


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

    def give_way(self) -> None:
        """End it now."""
        ...


class Seats:
    """All connections of the door: those that wait for a request, and those that have one."""

    def __init__(self, in_all: int, strangers: int, per_address: int, moment: float) -> None:
        """`strangers` may wait in all and `per_address` of one; newcomers have a `moment` to speak first."""
        self._in_all = in_all
        self._strangers = strangers
        self._per_address = per_address
        self._moment = moment
        self._open: dict[Sitter, None] = {}
        self._idle: dict[Sitter, None] = {}
        self._silent: dict[Sitter, str] = {}
        self._by_group: Counter[str] = Counter()
        self._trimming: asyncio.TimerHandle | None = None

    def come(self, sitter: Sitter) -> bool:
        """A new one takes its place; False where there is none, and then nothing was noted."""
        while len(self._open) >= self._in_all:
            victim = self._least_missed()
            if victim is None:
                return False
            self.leave(victim)
            victim.give_way()
        self._open[sitter] = None
        self.wait(sitter)
        return True

    def leave(self, sitter: Sitter) -> None:
        """It is gone; may come twice."""
        self._open.pop(sitter, None)
        self.ask(sitter)

    def wait(self, sitter: Sitter) -> None:
        """Nothing is asked of us by it now."""
        if sitter not in self._open:
            return
        if not sitter.stranger:
            self._idle[sitter] = None
            return
        self._silent[sitter] = sitter.group
        self._by_group[sitter.group] += 1
        over = self._by_group[sitter.group] > self._per_address or len(self._silent) > self._strangers
        if over and self._trimming is None:
            # Not at once: of those who came in one moment the loop has read none yet.
            self._trimming = asyncio.get_running_loop().call_later(self._moment, self._trim)

    def ask(self, sitter: Sitter) -> None:
        """It has a request, which we answer."""
        self._idle.pop(sitter, None)
        group = self._silent.pop(sitter, None)
        if group is None:
            return
        self._by_group[group] -= 1
        if not self._by_group[group]:
            del self._by_group[group]

    def close(self) -> None:
        """The door closes: nobody is asked to leave any more."""
        if self._trimming is not None:
            self._trimming.cancel()

    def _trim(self) -> None:
        """The oldest go, until each address and all together are within their limits."""
        self._trimming = None
        for sitter, group in list(self._silent.items()):
            if self._by_group[group] > self._per_address or len(self._silent) > self._strangers:
                self.leave(sitter)
                sitter.give_way()

    def _least_missed(self) -> Sitter | None:
        """Who waits unknown, else who waits, else a stranger of the address that has most of them."""
        for waiting in (self._silent, self._idle):
            if waiting:
                return next(iter(waiting))
        strangers = [sitter for sitter in self._open if sitter.stranger]
        if not strangers:
            return None
        ((largest, _),) = Counter(sitter.group for sitter in strangers).most_common(1)
        return next(sitter for sitter in strangers if sitter.group == largest)
