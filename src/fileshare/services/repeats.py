"""Refusals of strangers that repeat: told once, then counted, and the count told a minute later.

Whoever has no account can be refused without end, and neither the audit trail nor the
logs may grow by it. Addresses count by their group, since one subscriber has many.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fileshare.domain.addresses import group_of
from fileshare.domain.model import Event

SPAN: Final = 60_000
"""Milliseconds from a row to that of its repetitions."""

MOST: Final = 10_000
"""Refusals that are followed at once, some 5 MB; what is beyond is not folded."""


@dataclass(slots=True)
class _Told:
    """A refusal that has its row, and how often the same came since."""

    since: int
    last: Event
    times: int = 0


class Repeats:
    """The refusals of the last minute."""

    def __init__(self) -> None:
        self._told: dict[Event, _Told] = {}

    def told(self, event: Event) -> None:
        """The event has a row of its own."""
        if len(self._told) < MOST:
            self._told.setdefault(_key(event), _Told(event.time, event))

    def counted(self, event: Event) -> bool:
        """Whether it repeats one that was told, and was counted instead."""
        told = self._told.get(_key(event))
        if told is None or not 0 <= event.time - told.since < SPAN:
            return False
        told.times += 1
        told.last = event
        return True

    def due(self, now: int | None) -> list[Event]:
        """A row for each refusal that repeated and whose minute is over; with None for all of them."""
        over = [key for key, told in self._told.items() if now is None or not 0 <= now - told.since < SPAN]
        found = [self._told.pop(key) for key in over]
        return [_row(told) for told in found if told.times]


def _key(event: Event) -> Event:
    return replace(event, time=0, address=group_of(event.address))


def _row(told: _Told) -> Event:
    return replace(told.last, detail=f"{told.last.detail} ({told.times} times more)".strip())
