"""Counts since the process began: what both doors moved, finished and refused.

Fed by the services, so that no door can be forgotten; numbers alone, never a name or a
path. Nothing here is kept or sent anywhere by itself.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fileshare.domain.access import Action
from fileshare.domain.model import Event

LATENCIES: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: a commit on a good disk takes one to five thousandths, on a bad one a hundred times that."""

LOGINS: Final = frozenset({"login", "authenticate", "password_check"})
"""The events that prove who somebody is."""


class Direction(StrEnum):
    """Which way bytes go, as the server sees it."""

    RECEIVED = "received"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What failed, why and where: values of the code's own, so that there are few."""

    action: str
    code: str
    door: str


@dataclass(slots=True)
class Histogram:
    """How often something took how long."""

    bounds: Sequence[float] = LATENCIES
    """The upper ends of the ranges, seconds; one more range holds all beyond them."""
    counts: list[int] = field(init=False)
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Meters:
    """The counts of one process, by door."""

    def __init__(self) -> None:
        self.bytes: Counter[tuple[Direction, str]] = Counter()
        self.in_flight: Counter[tuple[Direction, str]] = Counter()
        self.uploads: Counter[str] = Counter()
        """Files that were stored."""
        self.downloads: Counter[str] = Counter()
        """Downloads that were sent to their end, ranges too."""
        self.logins_failed: Counter[str] = Counter()
        self.refusals: Counter[Refusal] = Counter()

    def moved(self, direction: Direction, door: str, count: int) -> None:
        """So many bytes of files came or went."""
        self.bytes[direction, door] += count

    @contextmanager
    def under_way(self, direction: Direction, door: str) -> Iterator[None]:
        """Around a transfer."""
        self.in_flight[direction, door] += 1
        try:
            yield
        finally:
            self.in_flight[direction, door] -= 1

    def note(self, event: Event) -> None:
        """An event of the audit trail, for `Audit.on_noted`."""
        if event.outcome != "ok":
            self.refusals[Refusal(event.action, event.outcome, event.door)] += 1
            if event.action in LOGINS:
                self.logins_failed[event.door] += 1
        elif event.action == Action.UPLOAD:
            self.uploads[event.door] += 1
        elif event.action == Action.DOWNLOAD:
            self.downloads[event.door] += 1
