"""One large file over several connections: pieces come in any order and are written in order.

What lies in the part is always the beginning of the file, without holes, so a part is gone on
with whoever fetched it, over however many connections. Pieces that are ahead wait in memory,
which bounds how far ahead that is. A connection that breaks goes on within its piece; one
that is lost for good leaves its pieces to the others.
"""

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from fileshare.client.conversation import Conversation
from fileshare.errors import FileshareError, ProtocolError, SourceChanged
from fileshare.wire import messages as m

if TYPE_CHECKING:
    from fileshare.client.downloads import Sink, Wanted
    from fileshare.client.line import Line
    from fileshare.client.reports import Reporter

AHEAD = 48 << 20
"""Bytes that may be in memory or on their way: the client stays well under 100 MiB."""

LARGEST = 4 << 20
SMALLEST = 512 << 10
"""Bytes of a piece. Each costs a millisecond of work at both ends, and the next one is always asked for."""

ASKED = 2
"""Pieces that a connection has asked for: while one comes, the next request is at the server already."""


class Piece:
    """A range of the file, and what has come of it."""

    def __init__(self, offset: int, length: int) -> None:
        self.offset = offset
        self.length = length
        self.got = 0
        self._memory: memoryview | None = None

    @property
    def memory(self) -> memoryview:
        """Where its bytes go, made when the first one comes."""
        if self._memory is None:
            self._memory = memoryview(bytearray(self.length))
        return self._memory


class Pieces:
    """Which pieces of a file are still to be fetched, and the one place from which they are written."""

    def __init__(self, sink: "Sink", size: int, connections: int) -> None:
        """All of a file of that size that `sink` has not; at most so many connections will ask."""
        self._sink = sink
        self._size = size
        self._length = max(SMALLEST, min(LARGEST, AHEAD // (ASKED * connections + 1)))
        self._next = sink.offset
        self._returned: list[Piece] = []
        self._whole: dict[int, Piece] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self.error: BaseException | None = None
        """What ended it before its end."""
        self.begin: m.DownloadBegin | None = None
        """What the server said of the file."""
        self.moved = 0
        """Bytes that came."""

    @property
    def over(self) -> bool:
        """Whether nobody needs to fetch any more."""
        return self.error is not None or self._sink.offset >= self._size

    def claim(self, *, wait: bool) -> Piece | None:
        """The next piece to ask for, None when there is none (and, without `wait`, none just now)."""
        with self._changed:
            while not self.over:
                if self._returned:
                    return self._returned.pop()
                if self._next < min(self._size, self._sink.offset + AHEAD):
                    piece = Piece(self._next, min(self._length, self._size - self._next))
                    self._next += piece.length
                    return piece
                if not wait:
                    return None
                self._changed.wait(0.2)
        return None

    def came(self, begin: m.DownloadBegin, count: int) -> None:
        """`count` more bytes came."""
        with self._changed:
            self.begin = begin
            self.moved += count

    def deliver(self, piece: Piece) -> None:
        """A piece is whole: write it, and what waited for it. Raises what the sink raises."""
        with self._changed:
            self._whole[piece.offset] = piece
        with self._writing:
            while (ready := self._whole.pop(self._sink.offset, None)) is not None:
                self._write(ready.memory[: ready.got])
        with self._changed:
            self._changed.notify_all()

    def give_back(self, pieces: "deque[Piece]") -> None:
        """Somebody else shall fetch the rest of these."""
        with self._changed:
            self._returned += pieces
            self._changed.notify_all()
        pieces.clear()

    def fail(self, error: BaseException) -> None:
        """End it for everyone; the first error counts."""
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()

    def keep_beginning(self) -> None:
        """After a failure, when everyone has ended: what came of the piece that was due next is good too."""
        due = next((piece for piece in self._returned if piece.offset == self._sink.offset), None)
        if due is not None and due.got:
            with suppress(FileshareError):  # a disk that fails has said so already
                self._write(due.memory[: due.got])

    def _write(self, data: memoryview) -> None:
        while data:
            room = self._sink.room()
            count = min(len(room), len(data))
            room[:count] = data[:count]
            self._sink.write(room[:count])
            data = data[count:]


class PieceLine:
    """What one connection fetches of a file in pieces."""

    def __init__(
        self, line: "Line", pieces: Pieces, wanted: "Wanted", digest: str, reporter: "Reporter"
    ) -> None:
        """Only the content of that `digest` is taken."""
        self._line = line
        self._pieces = pieces
        self._wanted = wanted
        self._digest = digest
        self._reporter = reporter
        self._asked: deque[Piece] = deque()

    def run(self) -> None:
        """Until nothing is left. Raises what ends this connection; its pieces are then given back."""
        try:
            self._line.persist(self._attempt)
        except SourceChanged as error:
            self._pieces.fail(error)
            raise
        finally:
            self._pieces.give_back(self._asked)

    def _attempt(self, conversation: Conversation) -> None:
        for piece in self._asked:
            self._ask(conversation, piece)
        while not self._pieces.over:
            self._ask_more(conversation)
            if not self._asked:
                return
            self._receive(conversation, self._asked[0])
            self._deliver(self._asked.popleft())
        if self._asked:  # somebody failed: what was asked for is not waited for
            self._line.drop()

    def _ask_more(self, conversation: Conversation) -> None:
        while len(self._asked) < ASKED:
            piece = self._pieces.claim(wait=not self._asked)
            if piece is None:
                return
            self._asked.append(piece)
            self._ask(conversation, piece)

    def _ask(self, conversation: Conversation, piece: Piece) -> None:
        conversation.tell(
            self._wanted.request(piece.offset + piece.got, self._digest, piece.length - piece.got)
        )

    def _receive(self, conversation: Conversation, piece: Piece) -> None:
        begin = conversation.expect(m.DownloadBegin)
        if begin.digest.lower() != self._digest:
            self._line.drop()  # all of it would come now, in the place of a piece
            raise SourceChanged("The file changed on the server while it was fetched.")
        if (begin.offset, begin.length) != (piece.offset + piece.got, piece.length - piece.got):
            raise ProtocolError("The server sends another range of the file than it was asked for.")
        before = piece.got
        conversation.whole(piece.memory[before:], lambda at: self._heard(begin, piece, before + at))

    def _heard(self, begin: m.DownloadBegin, piece: Piece, got: int) -> None:
        count, piece.got = got - piece.got, got
        self._pieces.came(begin, count)
        self._reporter.moved(self._wanted.item, count)
        self._line.patience.progress()

    def _deliver(self, piece: Piece) -> None:
        try:
            self._pieces.deliver(piece)
        except (FileshareError, OSError) as error:
            self._pieces.fail(error)
            raise
