"""What transfers tell whoever started them. The command draws it; this only counts and names.

Calls may come from several threads at once; an implementation keeps its own order.
Texts from the server and local names come as they are: whoever prints them escapes them.
"""

from typing import Literal, Protocol

from msgspec import Struct

from fileshare.errors import FileshareError

Direction = Literal["upload", "download"]


class Item(Struct, frozen=True, kw_only=True):
    """One file on its way."""

    direction: Direction
    path: str
    """On the server; for an upload the path that was asked for."""
    local: str
    size: int | None
    """Bytes; None for a stream whose end isn't known."""


class Outcome(Struct, frozen=True, kw_only=True):
    """A file that arrived, whole and verified."""

    path: str
    """On the server: the stored one, which may be `_v2` of what was asked for."""
    local: str
    size: int
    digest: str
    version: int
    seconds: float = 0.0
    moved: int = 0
    """Bytes of content that went over the line for it in this run."""
    resumed_from: int = 0
    """Where this run began; 0 for a transfer of the whole."""
    skipped: str = ""
    """Why nothing had to move, where that is so."""


class Summary(Struct, frozen=True, kw_only=True):
    """What became of a command that moved several things."""

    direction: Direction
    files: int
    size: int
    moved: int
    skipped: int
    failed: int
    seconds: float


class Reporter(Protocol):
    """Someone who wants to know how it goes."""

    def found(self, files: int, size: int) -> None:
        """So many more files and bytes are to be moved."""
        ...

    def start(self, item: Item, resumed_from: int) -> None:
        """Bytes of `item` begin to move, from that offset. Comes again when another offset counts."""
        ...

    def hashed(self, item: Item, count: int, total: int) -> None:
        """`count` of `total` bytes that are at hand were hashed, as a phase of its own."""
        ...

    def moved(self, item: Item, count: int) -> None:
        """`count` more bytes of `item` went over the line."""
        ...

    def retry(self, error: FileshareError, pause: float) -> None:
        """It failed; the next try comes after `pause` seconds."""
        ...

    def done(self, item: Item, outcome: Outcome) -> None:
        """`item` arrived, or had nothing to move."""
        ...

    def failed(self, path: str, error: FileshareError) -> None:
        """That file (local for an upload, remote for a download) failed; others go on."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know: what was left out, kept aside or escaped."""
        ...

    def summary(self, summary: Summary) -> None:
        """The command has come to its end."""
        ...


class Silent:
    """Nobody wants to know."""

    def found(self, files: int, size: int) -> None:
        """Tell nobody."""

    def start(self, item: Item, resumed_from: int) -> None:
        """Tell nobody."""

    def hashed(self, item: Item, count: int, total: int) -> None:
        """Tell nobody."""

    def moved(self, item: Item, count: int) -> None:
        """Tell nobody."""

    def retry(self, error: FileshareError, pause: float) -> None:
        """Tell nobody."""

    def done(self, item: Item, outcome: Outcome) -> None:
        """Tell nobody."""

    def failed(self, path: str, error: FileshareError) -> None:
        """Tell nobody."""

    def note(self, text: str) -> None:
        """Tell nobody."""

    def summary(self, summary: Summary) -> None:
        """Tell nobody."""
