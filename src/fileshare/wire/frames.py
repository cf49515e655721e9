"""The 8-byte header in front of everything that is not a version 1 raw body.

Version 1 reads it as one big-endian unsigned length. Version 2 gives the first byte
a meaning of its own; version 1's messages are then those of kind 0, so that one
reader serves both. A length over the limit is refused here, before anyone reads on.

    offset  size  field
    0       1     kind: 0 message, 1 DATA, 2 END, 3 ABORT
    1       3     zero
    4       4     length of what follows, bytes, big-endian
"""

import struct
from enum import IntEnum

from fileshare.errors import ProtocolError

HEADER_SIZE = 8
_HEADER = struct.Struct(">BxxxI")
_LENGTH = struct.Struct(">Q")


class Kind(IntEnum):
    """What a frame holds."""

    MESSAGE = 0
    DATA = 1
    END = 2
    ABORT = 3


def pack(kind: Kind, length: int) -> bytes:
    """The header of a frame of `length` bytes."""
    return _HEADER.pack(kind, length)


def unpack_message(header: bytes, limit: int) -> int:
    """The length of a message. Raises ProtocolError over `limit`, bytes, and for any other kind."""
    (length,) = _LENGTH.unpack(header)
    if length > limit:
        raise ProtocolError(f"The frame's length {length} is over the limit of {limit} bytes here.")
    return int(length)


def unpack_segment(header: bytes, segment_limit: int, message_limit: int) -> tuple[Kind, int]:
    """Kind and length of a segment: DATA of 1 to `segment_limit` bytes, END and ABORT as messages.

    Raises ProtocolError for a message where a segment is due, and for lengths over the limit.
    """
    kind, length = _HEADER.unpack(header)
    if header[1:4] != b"\0\0\0" or kind not in (Kind.DATA, Kind.END, Kind.ABORT):
        raise ProtocolError("A body's segment was due (DATA, END or ABORT), and something else came.")
    limit = segment_limit if kind == Kind.DATA else message_limit
    if kind == Kind.DATA and not length:
        raise ProtocolError(
            "A DATA segment without bytes came: it would keep the line busy and move nothing."
        )
    if length > limit:
        raise ProtocolError(f"The segment's length {length} is over the limit of {limit} bytes.")
    return Kind(kind), length
