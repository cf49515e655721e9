"""Which measurements are made, and in which order.

The runs of all peers are interleaved (A B C, B C A, …): whatever else the machine does meets all alike. It
knows nothing of processes or files.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_NAMES = {1: "B", 1 << 10: "KiB", 1 << 20: "MiB", 1 << 30: "GiB"}


class Content(StrEnum):
    """What is moved: one large file, or one of two trees."""

    LARGE = "large"
    SMALL = "small"
    MEDIUM = "medium"


class Work(StrEnum):
    """One kind of transfer, in the order of a run: each upload stands before the downloads of its bytes."""

    LARGE_UP = "large-up"
    LARGE_DOWN = "large-down"
    HTTP_DOWN = "http-down"
    TUS_UP = "tus-up"
    SMALL_UP = "small-up"
    SMALL_DOWN = "small-down"
    HTTP_MANY = "http-many"

    @property
    def is_upload(self) -> bool:
        """Whether bytes go to the server."""
        return self in {Work.LARGE_UP, Work.SMALL_UP, Work.TUS_UP}

    @property
    def content(self) -> Content:
        """What it moves."""
        return _CONTENTS.get(self, Content.LARGE)

    @property
    def origin(self) -> "Work":
        """The kind that brings its bytes to the server: itself where they are new with it."""
        return _ORIGINS.get(self, self)


_CONTENTS = {
    Work.SMALL_UP: Content.SMALL,
    Work.SMALL_DOWN: Content.SMALL,
    Work.HTTP_MANY: Content.MEDIUM,
}
_ORIGINS = {
    Work.LARGE_DOWN: Work.LARGE_UP,
    Work.HTTP_DOWN: Work.LARGE_UP,
    Work.SMALL_DOWN: Work.SMALL_UP,
}

# Whole pages of the disk, which even the smallest file takes.
_PAGE = 4096


@dataclass(frozen=True)
class Load:
    """What is moved; sizes in bytes. A size or a number of 0 leaves that part out."""

    size: int
    files: int
    file_size: int
    folders: int
    many: int = 0
    many_size: int = 1 << 20
    only: tuple[Work, ...] = tuple(Work)

    def works(self) -> tuple[Work, ...]:
        """Return the kinds of transfer in the order of a run."""
        return tuple(work for work in self.only if self.bytes_of(work.content))

    def title(self, work: Work) -> str:
        """Say in words what that kind of transfer moves."""
        small = f"{self.files:,} × {size_text(self.file_size)} in {self.folders} folders"
        return {
            Work.LARGE_UP: f"{size_text(self.size)} up",
            Work.LARGE_DOWN: f"{size_text(self.size)} down",
            Work.HTTP_DOWN: f"{size_text(self.size)} down over HTTP",
            Work.TUS_UP: f"{size_text(self.size)} up over HTTP, resumable",
            Work.SMALL_UP: f"{small}, up",
            Work.SMALL_DOWN: f"{small}, down",
            Work.HTTP_MANY: f"{self.many} × {size_text(self.many_size)} down over HTTP, all at once",
        }[work]

    def bytes_of(self, content: Content) -> int:
        """Return the bytes that it takes on disk."""
        match content:
            case Content.LARGE:
                return self.size
            case Content.SMALL:
                return self.files * max(self.file_size, _PAGE)
            case Content.MEDIUM:
                return self.many * max(self.many_size, _PAGE)


@dataclass(frozen=True)
class Step:
    """One measurement: in which run, what, by whom."""

    run: int
    work: Work
    peer: str


def steps(run: int, works: Sequence[Work], peers: Mapping[str, Container[Work]]) -> Iterator[Step]:
    """Yield a run's measurements in order: kind by kind, and within a kind every peer once that does it.

    With each run somebody else begins, so that nobody has the first or the last place all the time.
    """
    for work in works:
        able = [peer for peer, works_of in peers.items() if work in works_of]
        first = run % len(able) if able else 0
        for peer in able[first:] + able[:first]:
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
