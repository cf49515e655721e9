"""The bytes of an upload as a source for the services, those of a download as their sink.

Raw in version 1, segments in version 2. The wire core keeps the count of what is due,
so that after a failure the session knows just how much of the body has not been read.
"""

from fileshare.errors import ConnectionLost, ProtocolError
from fileshare.services.lending import Loan
from fileshare.services.pace import Pace
from fileshare.services.ports import OpenFile
from fileshare.tcp.segments import Segments
from fileshare.tcp.stream import Stream
from fileshare.wire.connection import SEGMENT_LIMIT, Aborted, Body, End, Exactly, ServerConnection


class RawBody:
    """Version 1: so many raw bytes and no more."""

    def __init__(self, wire: ServerConnection, stream: Stream) -> None:
        self._wire = wire
        self._stream = stream
        self._pace = Pace(stream.stall_seconds)

    async def read(self, limit: int) -> bytes:
        """The next bytes; empty when all have come or the connection has ended."""
        want = self._wire.wants()
        if not isinstance(want, Body):
            return b""
        data = await self._stream.read(min(limit, want.count), self._pace)
        self._wire.took(len(data))
        return data

    async def lend(self, limit: int) -> Loan | None:
        """See `services.lending`."""
        want = self._wire.wants()
        if not isinstance(want, Body):
            return None
        return self._stream.lend(min(limit, want.count), self._lent)

    def _lent(self, count: int) -> None:
        self._pace.came(count)
        self._wire.took(count)


class SegmentedBody:
    """Version 2: DATA segments until END or ABORT, which `event` then holds."""

    def __init__(self, wire: ServerConnection, stream: Stream) -> None:
        self._wire = wire
        self._stream = stream
        self._pace = Pace(stream.stall_seconds)
        self.event: End | Aborted | None = None

    async def read(self, limit: int) -> bytes:
        """The next bytes, across segments; empty at END, at ABORT and when the connection has ended."""
        due = await self._due()
        if not due:
            return b""
        data = await self._stream.read(min(limit, due), self._pace)
        self._wire.took(len(data))
        return data

    async def lend(self, limit: int) -> Loan | None:
        """See `services.lending`: what is left of a segment, and those behind it."""
        due = await self._due()
        if not due:
            return None
        segments = Segments(self._wire, due)
        return self._stream.lend(limit, lambda count: self._lent(segments, count), segments.loan)

    def _lent(self, segments: Segments, count: int) -> None:
        self._pace.came(count)
        segments.took(count)

    async def _due(self) -> int:
        """Raw bytes that follow, once a segment's header has been read; 0 at the end."""
        while self.event is None:
            want = self._wire.wants()
            if isinstance(want, Body):
                return want.count
            if not isinstance(want, Exactly) or not await self._read_frame(want.count):
                break
        return 0

    async def _read_frame(self, count: int) -> bool:
        raw = await self._stream.read_exactly(count, self._pace.left, self._pace)
        if raw is None:
            return False
        event = self._wire.receive(raw)
        if isinstance(event, End | Aborted):
            self.event = event
        elif event is not None:
            raise ProtocolError("A body's segment was due, and a message came.")
        return True

    async def read_whole(self, count: int) -> bytearray | None:
        """Just `count` bytes, for small files that stay in memory; None when the connection ended."""
        whole = bytearray()
        while len(whole) < count:
            data = await self.read(count - len(whole))
            if not data:
                return None
            whole += data
        return whole

    async def discard(self, limit: int) -> int:
        """Read and throw away up to `limit` bytes of a refused body; 0 once END or ABORT has come."""
        while not isinstance(want := self._wire.wants(), Body):
            before = self._wire.state
            if not isinstance(want, Exactly):
                return 0
            raw = await self._stream.read_exactly(want.count, self._stream.stall_seconds)
            if raw is None:
                raise ConnectionLost()
            self._wire.receive(raw)
            if self._wire.state is not before:
                return 0
        data = await self._stream.read(min(limit, want.count))
        if not data:
            raise ConnectionLost()
        self._wire.took(len(data))
        return len(data)


class SegmentedSink:
    """Version 2: what is sent here goes out as DATA segments."""

    def __init__(self, wire: ServerConnection, stream: Stream) -> None:
        self._wire = wire
        self._stream = stream
        self.mid_segment = False
        """A header went out and not all of its bytes: nothing else can be said any more."""

    async def write(self, data: bytes | memoryview) -> None:
        """Send `data`. Raises ConnectionLost."""
        for start in range(0, len(data), SEGMENT_LIMIT):
            piece = data[start : start + SEGMENT_LIMIT]
            self._begin(len(piece))
            await self._stream.write(piece)
            self.mid_segment = False

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send a piece of an open file. Raises as `Stream.send_file`."""
        for start in range(offset, offset + count, SEGMENT_LIMIT):
            size = min(SEGMENT_LIMIT, offset + count - start)
            self._begin(size)
            await self._stream.send_file(file, start, size)
            self.mid_segment = False

    def _begin(self, count: int) -> None:
        self._stream.put(self._wire.segment(count))
        self.mid_segment = True
