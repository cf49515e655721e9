"""One large file sent over several connections: pieces go up side by side, and are appended in order.

Each piece is an upload of its own on the server, so that what came of it is never sent again,
also by another run; the file's own upload has all that was appended. Whoever has completed the
next piece in order appends it. The digest of the whole follows what was appended.
"""

import hashlib
import threading
from contextlib import nullcontext, suppress
from typing import TypeVar

from msgspec import UNSET, Struct

from fileshare.client.conversation import Conversation, error_of
from fileshare.client.idle_lines import IdleLines
from fileshare.client.line import Line
from fileshare.client.reports import Reporter
from fileshare.client.sources import PIECE as READ
from fileshare.client.sources import FileSource, open_file
from fileshare.client.uploads import Sending
from fileshare.errors import ConnectionLost, FileshareError, ProtocolError, SourceChanged
from fileshare.wire import messages as m

R = TypeVar("R", bound=m.Reply)

FEATURE = "append"

LARGE = 256 << 20
"""Bytes still to be sent from which on pieces are worth their requests, and appending the last ones."""

PIECE = 32 << 20
"""Bytes of a piece; the server has up to two for each connection twice for a while."""

AHEAD = 2
"""Pieces of each connection that may be at the server without being appended."""

_APPEND_SECONDS = 60.0
"""The server copies a piece, on a disk that may be slow."""


class _Piece(Struct):
    """A range of the file that is an upload of its own."""

    start: int
    length: int
    upload_id: str
    asked: bool = False


class Moved(Struct, frozen=True):
    """What went over the line, and what the server had before."""

    there: int
    moved: int


class PieceUpload:
    """The pieces of one upload, and what has become of them."""

    def __init__(self, reporter: Reporter, sending: Sending, source: FileSource, connections: int) -> None:
        self._reporter = reporter
        self._sending = sending
        self._source = source
        self._ahead = AHEAD * connections * PIECE
        self._appended = 0
        self._next = 0
        self._returned: list[_Piece] = []
        self._complete: dict[int, _Piece] = {}
        self._there = 0
        self._moved = 0
        self._changed = threading.Condition()
        self._appending = threading.Lock()
        self._error: BaseException | None = None

    def send(self, line: Line, idle: IdleLines | None) -> Moved | None:
        """Send and append everything, with the lines that are idle; the upload's own END is not sent.

        None where it is stored already or not enough of it is missing. Where the source changes it
        ends early: whoever sends the rest notices.
        """
        offset = line.persist(self._begin)
        if offset is None or self._source.size - offset < LARGE:
            return None
        self._appended = self._next = self._there = offset
        self._reporter.start(self._sending.item, offset)
        with suppress(SourceChanged), nullcontext() if idle is None else idle.helping(self._on):
            self._on_this(line)
        if self._error is not None and not isinstance(self._error, SourceChanged):
            raise self._error
        return Moved(self._there, self._moved)

    def _begin(self, conversation: Conversation) -> int | None:
        """How far the upload is; it is begun where there is none."""
        sending = self._sending
        reply = conversation.ask_begin(
            m.Upload(
                upload_id=sending.upload_id,
                path=sending.item.path,
                size=self._source.size,
                on_conflict=sending.on_conflict,
                modified=UNSET if sending.modified is None else sending.modified,
            )
        )
        if isinstance(reply, m.Stored):
            return None
        conversation.give_up(FileshareError("It comes in pieces."))
        _await(conversation, m.Done)
        return reply.offset

    def _on_this(self, line: Line) -> None:
        try:
            self._on(line)
        except BaseException as error:
            self._fail(error)
            raise

    def _on(self, line: Line) -> None:
        """Until everything is appended, on one connection."""
        _Sender(self, line, self._sending.item.local).run()

    # What the connections share

    @property
    def over(self) -> bool:
        """Whether nobody needs to send any more."""
        return self._error is not None or self._appended >= self._source.size

    def claim(self) -> _Piece | None:
        """The next piece to send; None when everything is appended, or it failed."""
        with self._changed:
            while not self.over:
                if self._returned:
                    return self._returned.pop(0)
                if self._next < min(self._source.size, self._appended + self._ahead):
                    return self._new_piece()
                if self._appended in self._complete and not self._appending.locked():
                    return None  # for the caller to append
                self._changed.wait(0.2)
            return None

    def _new_piece(self) -> _Piece:
        start = self._next
        # Up to the next multiple: another run, from another offset, finds the same pieces behind it.
        self._next = min(self._source.size, (start // PIECE + 1) * PIECE)
        name = f"{self._sending.upload_id}\0{start}\0{self._next}"
        return _Piece(start, self._next - start, hashlib.sha256(name.encode()).hexdigest()[:32])

    def give_back(self, piece: _Piece) -> None:
        """Somebody else shall send the rest of it."""
        with self._changed:
            self._returned.append(piece)
            self._changed.notify_all()

    def request(self, piece: _Piece) -> m.Upload:
        """Begin or go on with it."""
        return m.Upload(
            upload_id=piece.upload_id, path=self._sending.item.path, size=piece.length, piece=True
        )

    def ready(self, piece: _Piece, offset: int) -> None:
        """The server has so many bytes of it."""
        with self._changed:
            if not piece.asked and offset:
                self._there += offset
                self._reporter.start(self._sending.item, self._there + self._moved)
            piece.asked = True

    def sent(self, count: int) -> None:
        """`count` more bytes went out."""
        with self._changed:
            self._moved += count
        self._reporter.moved(self._sending.item, count)

    def completed(self, piece: _Piece) -> None:
        """It is durable at the server."""
        with self._changed:
            self._complete[piece.start] = piece

    def append_ready(self, conversation: Conversation) -> None:
        """Append what is complete and next; whoever else does so at the moment goes on with ours."""
        while self._appended in self._complete and self._appending.acquire(blocking=False):
            try:
                self._append_next(conversation)
            finally:
                self._appending.release()

    def _append_next(self, conversation: Conversation) -> None:
        piece = self._complete.get(self._appended)
        if piece is None:
            return
        conversation.tell(
            m.Append(upload_id=self._sending.upload_id, piece_id=piece.upload_id, offset=piece.start)
        )
        reply = _await(conversation, m.Appended)
        end = piece.start + piece.length
        if reply.offset < end:
            raise ProtocolError("The server did not append a piece as a whole.")
        self._hash(end)
        with self._changed:
            del self._complete[piece.start]
            self._appended = end
            self._changed.notify_all()

    def _hash(self, end: int) -> None:
        """The digest of the whole goes on, while what was sent is still in memory."""
        at = self._appended
        try:
            while at < end:
                at += len(self._source.read(at, min(READ, end - at)))
        except SourceChanged as error:
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()


class _Sender:
    """One connection's part of it."""

    def __init__(self, upload: PieceUpload, line: Line, path: str) -> None:
        self._upload = upload
        self._line = line
        self._path = path
        self._piece: _Piece | None = None

    def run(self) -> None:
        """Until nothing is left. Raises what ends this connection; its piece is then given back."""
        try:
            self._line.persist(self._attempt)
        finally:
            if self._piece is not None:
                self._upload.give_back(self._piece)
                self._piece = None

    def _attempt(self, conversation: Conversation) -> None:
        while True:
            self._upload.append_ready(conversation)
            if self._piece is None:
                self._piece = self._upload.claim()
            if self._piece is not None:
                self._send(conversation, self._piece)
                self._upload.completed(self._piece)
                self._piece = None
            elif self._upload.over:
                return

    def _send(self, conversation: Conversation, piece: _Piece) -> None:
        ready = conversation.ask_begin(self._upload.request(piece))
        if not isinstance(ready, m.Ready) or ready.offset > piece.length:
            raise ProtocolError("The server does not take a piece as it was announced.")
        self._upload.ready(piece, ready.offset)
        digest = self._send_bytes(conversation, piece, ready.offset)
        conversation.send_end(piece.length, digest)
        _await(conversation, m.Done)
        self._line.patience.progress()

    def _send_bytes(self, conversation: Conversation, piece: _Piece, offset: int) -> str:
        """What the server lacks; returns the digest of the piece."""
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(min(READ, piece.length)))
        at = 0
        with open_file(self._path) as file:
            file.seek(piece.start)
            while at < piece.length:
                most = (offset if at < offset else piece.length) - at
                count = file.readinto(buffer[: min(most, len(buffer))])
                if not count:
                    raise SourceChanged(f"{self._path!r} became shorter while it was uploaded.")
                digest.update(buffer[:count])
                if at >= offset:
                    self._send_some(conversation, buffer[:count])
                at += count
        return digest.hexdigest()

    def _send_some(self, conversation: Conversation, data: memoryview) -> None:
        event = conversation.arrived()
        while event is not None:
            _checkpoint_or_raise(conversation, event)
            self._line.patience.progress()
            event = conversation.arrived()
        before = conversation.body_sent
        try:
            conversation.send_segment(data)
        finally:
            self._upload.sent(conversation.body_sent - before)


def _checkpoint_or_raise(conversation: Conversation, event: object) -> None:
    if isinstance(event, m.Checkpoint):
        return
    error = error_of(event) or ProtocolError("The server answered an upload before its end.")
    with suppress(ConnectionLost):  # where the line is gone as well, the refusal counts
        conversation.give_up(error)
    raise error


def _await(conversation: Conversation, form: type[R]) -> R:
    """The reply of that form, behind checkpoints."""
    while True:
        event = conversation.next(patience=_APPEND_SECONDS)
        if isinstance(event, form):
            return event
        if not isinstance(event, m.Checkpoint):
            raise error_of(event) or ProtocolError("The server's answer has no place here.")
