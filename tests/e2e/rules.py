"""When a line fails: one rule per connection, asked before each piece of data goes on.

A rule only looks and answers how much of a piece may pass; what then happens to the
sockets is the line's own business.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from tests.e2e.frames import FrameReader


class Way(Enum):
    """The direction of some bytes."""

    UP = auto()
    """From the client to the server."""
    DOWN = auto()
    """From the server to the client."""


class Fault(Enum):
    """What happens to a connection."""

    RESET = auto()
    """Both ends get RST; what one kernel had not yet taken from the other is lost."""
    CLOSE = auto()
    """Both ends get FIN, behind all bytes that were passed on."""
    STALL = auto()
    """Nothing passes any more, and nobody is told."""
    HALF_CLOSE = auto()
    """FIN in the rule's own direction; the other one goes on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many bytes of a piece may pass, and what follows them: a fault, or something to call."""

    pass_on: int
    then: Fault | Callable[[], None] | None = None
    instead: bytes | None = None
    """What passes in place of the piece, of the same length."""


class Rule(Protocol):
    """What one connection suffers."""

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """Judge `data`, which comes after `passed` bytes of that direction."""
        ...


class NoRule:
    """Everything passes."""

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """All of it."""
        return Verdict(len(data))


@dataclass
class FlipBit:
    """One bit of one byte changes on its way, and nothing else happens."""

    way: Way
    at: int

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """All of it passes, spoilt."""
        at = self.at - passed
        if way is not self.way or not 0 <= at < len(data):
            return Verdict(len(data))
        return Verdict(len(data), instead=data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@dataclass
class AfterBytes:
    """A fault behind exactly `count` bytes of one direction."""

    way: Way
    count: int
    fault: Fault

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """Up to `count` bytes, then the fault."""
        if way is not self.way or passed + len(data) < self.count:
            return Verdict(len(data))
        return Verdict(max(0, self.count - passed), self.fault)


@dataclass
class InTurn:
    """Faults one after the other, on whatever connection gets as far as the next one."""

    left: list[AfterBytes]

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """As the first one that is left; once it has happened it is over."""
        if not self.left:
            return Verdict(len(data))
        verdict = self.left[0].look(way, passed, data)
        if verdict.then is not None:
            self.left.pop(0)
        return verdict


@dataclass
class LoseMessage:
    """The first message with one of these statuses never arrives: the line fails in front of it.

    The server has sent it, so whatever it tells has been committed. With `holding`, it is
    the first whose data has that key: version 1 knows the reply after the bytes by it.
    """

    statuses: frozenset[str]
    fault: Fault = Fault.RESET
    holding: str = ""
    lost: dict[str, Any] | None = None
    """The message that was lost, once it was."""
    _frames: FrameReader = field(default_factory=FrameReader)

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """Everything up to the frame's first byte, as far as that is in this piece."""
        if way is not Way.DOWN:
            return Verdict(len(data))
        for frame in self._frames.feed(data):
            message = frame.message()
            if message.get("status") in self.statuses and self.holding in {"", *message["data"]}:
                self.lost = message
                return Verdict(max(0, frame.start - passed), self.fault)
        return Verdict(len(data))


@dataclass
class ActAfter:
    """Calls `act` as soon as exactly `count` bytes of one direction have passed; the line itself holds."""

    way: Way
    count: int
    act: Callable[[], None]
    done: bool = False

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """Split the piece at `count`, and act before the rest."""
        if self.done or way is not self.way or passed + len(data) < self.count:
            return Verdict(len(data))
        self.done = True
        return Verdict(max(0, self.count - passed), self.act)
