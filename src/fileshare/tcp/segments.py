"""A lent socket whose body comes in segments: the thread reads their headers too, and the loop hears of them.

So a thread takes many segments in one turn, however small a client makes them. What the
headers mean is still the wire core's to say: it is told of them in order, on the loop,
when the socket is back; the thread only needs to know how many bytes to take.
"""

import socket
from collections.abc import Callable
from contextlib import suppress

from fileshare.errors import ProtocolError
from fileshare.services.lending import PATIENCE_MS, SocketLoan, readable
from fileshare.wire.connection import SEGMENT_LIMIT, ServerConnection
from fileshare.wire.frames import HEADER_SIZE, Kind, unpack_segment


class Segments:
    """What one loan reads: bytes of the body, and the headers between them."""

    def __init__(self, wire: ServerConnection, due: int) -> None:
        """`due` bytes are left of the segment whose header has been read."""
        self._wire = wire
        self._end = due
        self._headers: list[tuple[int, bytes]] = []
        """Each behind so many bytes of the body."""
        self._no_more = False

    def loan(self, sock: socket.socket, limit: int, returned: Callable[[int], None]) -> SocketLoan:
        """A loan for `Stream.lend`, of up to `limit` bytes of the body."""
        return _SegmentedLoan(self, sock, limit, returned)

    def took(self, count: int) -> None:
        """On the loop: tell the wire core of the `count` bytes that were read off the socket."""
        at = 0
        body = count - HEADER_SIZE * len(self._headers)
        for end, header in self._headers:
            self._wire.took(end - at)
            self._wire.receive(header)
            at = end
        self._wire.took(body - at)

    def framed(self) -> int:
        """Bytes of headers that were read."""
        return HEADER_SIZE * len(self._headers)

    def due(self, sock: socket.socket, taken: int, limit: int) -> int:
        """See `Loan.due`."""
        if taken == self._end and taken < limit and not self._no_more:
            self._read_header(sock)
        return min(self._end, limit) - taken

    def _read_header(self, sock: socket.socket) -> None:
        """Read the next header if it comes soon and announces bytes."""
        self._no_more = True
        header = _peek(sock)
        length = _bytes_announced(header)
        if length:
            sock.recv(HEADER_SIZE)
            self._headers.append((self._end, header))
            self._end += length
            self._no_more = False


class _SegmentedLoan(SocketLoan):
    """See `Segments`."""

    def __init__(
        self, segments: Segments, sock: socket.socket, limit: int, returned: Callable[[int], None]
    ) -> None:
        super().__init__(sock, limit, returned)
        self._segments = segments

    def due(self, taken: int) -> int:
        """See the port."""
        return self._segments.due(self.copy, taken, self.limit)

    def give_back(self, taken: int) -> None:
        """See the port."""
        super().give_back(taken + self._segments.framed())


def _peek(sock: socket.socket) -> bytes:
    """The next header; less of it where it does not come, or the connection is lost: the loop goes on."""
    with suppress(OSError):
        try:
            return sock.recv(HEADER_SIZE, socket.MSG_PEEK)
        except BlockingIOError:
            if readable(sock.fileno(), PATIENCE_MS):
                return sock.recv(HEADER_SIZE, socket.MSG_PEEK)
    return b""


def _bytes_announced(header: bytes) -> int:
    """Of a DATA segment; 0 for whatever else comes, which the loop reads."""
    if len(header) < HEADER_SIZE:
        return 0
    try:
        kind, length = unpack_segment(header, SEGMENT_LIMIT, SEGMENT_LIMIT)
    except ProtocolError:
        return 0
    return length if kind is Kind.DATA else 0
