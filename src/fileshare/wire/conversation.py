"""What the two ends of a conversation share: what to read next, frames in, segments in and out.

Pull-shaped: the shell asks `wants()`, reads just that, hands it to `receive()`. Bodies
are the shell's own (`Body`): it moves the bytes wherever they go and reports the count
with `took()`, so this buffers nothing and back-pressure stays the stream's.
"""

import msgspec

from fileshare.wire import messages as m
from fileshare.wire.codec import decode_body
from fileshare.wire.frames import HEADER_SIZE, Kind, pack, unpack_message, unpack_segment
from fileshare.wire.states import State

VERSION = 2
SEGMENT_LIMIT = 4 << 20
"""Bytes: large enough that a header costs nothing, small enough to stop soon (design, section 4)."""


class Exactly(msgspec.Struct, frozen=True):
    """Read just `count` bytes and give them to `receive`."""

    count: int


class Body(msgspec.Struct, frozen=True):
    """Up to `count` bytes belong to a body: move them, then tell `took`."""

    count: int


Want = Exactly | Body | None
"""None: the shell has to speak first."""


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body is complete: `size` bytes in all, and the whole's digest where the sender tells it."""

    size: m.Size
    digest: m.Digest | msgspec.UnsetType = msgspec.UNSET


class Aborted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sender gives this body up, and why."""

    code: str
    message: str


class FrameLimits(msgspec.Struct, frozen=True):
    """The most bytes of a message, by where it comes from.

    Before a login nobody is owed memory: 4 KiB hold every AUTH. 64 KiB hold every
    request; an unchecked prefix made a plain reader buffer 64 MiB from an unknown client.
    """

    before_auth: int = 4 << 10
    after_auth: int = 64 << 10
    reply: int = 64 << 20
    """Version 1's LIST of 100,000 files, which has no pages."""
    page: int = 1 << 20
    """Version 2's replies: what a client has to hold, whatever the server has."""
    depth: int = 16


Event = m.Request | m.Reply | End | Aborted


class Conversation:
    """What both ends share: frames in, segments in and out."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self.limits = limits or FrameLimits()
        self.state = State.FRESH
        self._expecting: tuple[Kind, int] | None = None
        self._body_left = 0

    def took(self, count: int) -> None:
        """The shell has moved `count` bytes of the body that `wants` offered."""
        if not 0 <= count <= self._body_left:
            raise ValueError(f"{count} bytes were moved where {self._body_left} were due")
        self._body_left -= count

    def segment(self, count: int) -> bytes:
        """The header of a DATA segment; the `count` raw bytes follow it."""
        self._may_send_segment()
        if not 0 < count <= SEGMENT_LIMIT:
            raise ValueError(f"a segment holds 1 to {SEGMENT_LIMIT} bytes, not {count}")
        return pack(Kind.DATA, count)

    def _may_send_segment(self) -> None:
        raise NotImplementedError

    def _want_message(self) -> Want:
        return Exactly(self._expecting[1] if self._expecting else HEADER_SIZE)

    def _want_segment(self) -> Want:
        if self._body_left:
            return Body(self._body_left)
        return self._want_message()

    def _check_length(self, data: bytes) -> None:
        due = self._expecting[1] if self._expecting else HEADER_SIZE
        if self._body_left or len(data) != due:
            raise ValueError(f"{len(data)} bytes were handed over where `wants` had named others")

    def _receive_message(self, data: bytes, limit: int) -> bytes | None:
        """The body of a message once it is whole."""
        if self._expecting is None:
            self._expecting = (Kind.MESSAGE, unpack_message(data, limit))
            return None
        self._expecting = None
        return data

    def _receive_segment(self, data: bytes) -> End | Aborted | None:
        if self._expecting is None:
            kind, length = unpack_segment(data, SEGMENT_LIMIT, self.limits.before_auth)
            if kind is Kind.DATA:
                self._body_left = length
            else:
                self._expecting = (kind, length)
            return None
        kind, _ = self._expecting
        self._expecting = None
        return decode_body(data, End) if kind is Kind.END else decode_body(data, Aborted)
