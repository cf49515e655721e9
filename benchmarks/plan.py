"""Which measurements are made, and in which order.

The runs of all peers are interleaved (A B C, A B C, …): whatever else the machine does meets all alike. It
knows nothing of processes or files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

_UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_NAMES = {1: "B", 1 << 10: "KiB", 1 << 20: "MiB", 1 << 30: "GiB"}


class Work(StrEnum):
    """One kind of transfer."""

    LARGE_UP = "large-up"
    LARGE_DOWN = "large-down"
    SMALL_UP = "small-up"
    SMALL_DOWN = "small-down"

    @property
    def is_upload(self) -> bool:
        """Whether bytes go to the server."""
        return self in {Work.LARGE_UP, Work.SMALL_UP}

    @property
    def is_large(self) -> bool:
        """Whether it moves the one large file, not the tree of small ones."""
        return self in {Work.LARGE_UP, Work.LARGE_DOWN}


@dataclass(frozen=True)
class Load:
    """What is moved; sizes in bytes. A size or a number of 0 leaves that half out."""

    size: int
    files: int
    file_size: int
    folders: int

    def works(self) -> tuple[Work, ...]:
        """Return the kinds of transfer, each upload right before its download."""
        large = (Work.LARGE_UP, Work.LARGE_DOWN) if self.size else ()
        small = (Work.SMALL_UP, Work.SMALL_DOWN) if self.files else ()
        return large + small

    def title(self, work: Work) -> str:
        """Say in words what that kind of transfer moves."""
        direction = "up" if work.is_upload else "down"
        if work.is_large:
            return f"{size_text(self.size)} {direction}"
        return f"{self.files:,} × {size_text(self.file_size)} in {self.folders} folders, {direction}"

    def bytes_of(self, work: Work) -> int:
        """Return the bytes that it takes on disk, where each small file takes a page at least."""
        return self.size if work.is_large else self.files * max(self.file_size, 4096)

    @property
    def total(self) -> int:
        """The bytes on disk of the large file and all small ones."""
        return self.bytes_of(Work.LARGE_UP) + self.bytes_of(Work.SMALL_UP)


@dataclass(frozen=True)
class Step:
    """One measurement: in which run, what, by whom."""

    run: int
    work: Work
    peer: str


def steps(runs: int, works: Sequence[Work], peers: Sequence[str]) -> Iterator[Step]:
    """Yield all measurements in order: run by run, kind by kind, and within a kind every peer once."""
    for run in range(runs):
        for work in works:
            for peer in peers:
                yield Step(run, work, peer)


def parse_size(text: str) -> int:
    """Return the bytes of "1GiB", "4 KiB", "512"; raises ValueError."""
    digits = text.rstrip("BGIKMbgikm ")
    unit = text[len(digits) :].strip().upper() or "B"
    if unit not in _UNITS or not digits.isdecimal():
        raise ValueError(f"{text!r} is no size; write it like 1GiB, 4KiB or 4096")
    return int(digits) * _UNITS[unit]


def size_text(size: int) -> str:
    """Return the size in the largest unit that divides it."""
    unit = max(unit for unit in _NAMES if size % unit == 0)
    return f"{size // unit} {_NAMES[unit]}"
