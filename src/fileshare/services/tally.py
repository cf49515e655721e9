"""What long jobs tell while they run, and what they leave to be said at their end."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is: files done of `total` (None while unknown), bytes, and the path at hand."""

    done: int
    total: int | None
    size: int
    path: str


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """A path that was left out, and why."""

    path: str
    message: str


@dataclass(slots=True)
class Tally:
    """What an export or import did."""

    files: int = 0
    size: int = 0
    already_there: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    """Imported paths that were taken by other content, and the names that they got instead."""
    problems: list[Problem] = field(default_factory=list)
