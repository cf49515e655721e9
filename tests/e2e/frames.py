"""Reads the frames of a version 2 stream from the outside, as somebody on the line would.

Written from docs/protocol.md alone and sharing nothing with `fileshare.wire`, so that
an error there can't hide here. Keeps no payload of DATA, only its length.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MESSAGE, DATA, END, ABORT = range(4)
_HEADER = struct.Struct(">BxxxI")


def frame(kind: int, payload: bytes) -> bytes:
    """A frame as bytes."""
    return _HEADER.pack(kind, len(payload)) + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: where it starts in its stream, its kind, its length without the header."""

    start: int
    kind: int
    length: int
    payload: bytes
    """Empty for DATA."""

    def message(self) -> dict[str, Any]:
        """The JSON object of a message, END or ABORT; empty for DATA."""
        return dict(json.loads(self.payload)) if self.payload else {}


class FrameReader:
    """Takes a stream in pieces, gives its whole frames."""

    def __init__(self) -> None:
        self._at = 0
        self._start = 0
        self._header = b""
        self._kind = MESSAGE
        self._length = 0
        self._missing = 0
        self._payload = bytearray()
        self.data_bytes = 0
        """Payload bytes of DATA that came so far, those of a segment not yet whole included."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that end in `data`."""
        at = 0
        while at < len(data) or (len(self._header) == 8 and not self._missing):
            if len(self._header) < 8:
                at += self._read_header(data[at : at + 8 - len(self._header)])
            else:
                at += self._read_payload(data[at : at + self._missing])
            if len(self._header) == 8 and not self._missing:
                yield Frame(self._start, self._kind, self._length, bytes(self._payload))
                self._start += 8 + self._length
                self._header = b""

    def _read_header(self, piece: bytes) -> int:
        self._header += piece
        if len(self._header) == 8:
            self._kind, self._length = _HEADER.unpack(self._header)
            self._missing = self._length
            self._payload.clear()
        return len(piece)

    def _read_payload(self, piece: bytes) -> int:
        self._missing -= len(piece)
        if self._kind == DATA:
            self.data_bytes += len(piece)
        else:
            self._payload += piece
        return len(piece)
