"""Send one file: begin or go on, bytes, digest, and the answer that it is stored.

The server alone says where to go on; the digest of the whole goes out after the bytes,
so the file is read once. A lost connection is the line's business, a changed source ends
the upload, and what the server has refused is never sent again.
"""

import time

from msgspec import UNSET, Struct

from fileshare.client.conversation import Conversation, error_of
from fileshare.client.line import Line
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome, Reporter
from fileshare.client.sources import PIECE, Source
from fileshare.errors import ConnectionLost, FileshareError, NotFound, ProtocolError, SourceChanged
from fileshare.wire import messages as m
from fileshare.wire.connection import Event

_FINISH_SECONDS = 60.0
_FINISH_BYTES_PER_SECOND = 20 << 20
"""After END the server may hash a resumed part anew: that silence is allowed, by size, on a slow disk."""

_CHECKPOINT_SECONDS = 10.0
"""How long to wait for a checkpoint when a pipe's bound is reached; hanging up makes the server keep all."""


class Sending(Struct, frozen=True, kw_only=True):
    """One file to send: what is asked of the server, and what it is called in reports."""

    item: Item
    upload_id: str = ""
    on_conflict: str = "keep-both"
    modified: float | None = None
    resume: m.Resume | None = None
    """How to ask for an upload that was begun elsewhere; its id is then the server's to tell."""


class Uploader:
    """Sends files over one line, one after the other."""

    def __init__(self, line: Line, rate: Rate, reporter: Reporter) -> None:
        self._line = line
        self._rate = rate
        self._reporter = reporter

    def send(self, sending: Sending, source: Source) -> Outcome:
        """Send it all; the content is durable and listed on return. Raises what can't be mended."""
        transfer = _Transfer(self._line, self._rate, self._reporter, sending, source)
        began = time.monotonic()
        stored = self._line.persist(transfer.attempt)
        self._line.patience.progress()
        return transfer.outcome(stored, time.monotonic() - began)


class _Transfer:
    """One upload over all its attempts."""

    def __init__(self, line: Line, rate: Rate, reporter: Reporter, sending: Sending, source: Source) -> None:
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._sending = sending
        self._source = source
        self._upload_id = sending.upload_id
        self._resumed_from: int | None = None
        self._moved = 0
        self._furthest = 0

    def outcome(self, stored: m.Stored, seconds: float) -> Outcome:
        return Outcome(
            path=stored.path,
            local=self._sending.item.local,
            size=stored.size,
            digest=stored.digest.lower(),
            version=stored.version,
            seconds=seconds,
            moved=self._moved,
            resumed_from=self._resumed_from or 0,
        )

    def attempt(self, conversation: Conversation) -> m.Stored:
        """Ask where to go on, go on from there, and hear that it is stored."""
        reply = conversation.ask_begin(self._request())
        if isinstance(reply, m.Stored):
            return self._believed(reply)
        self._check_offset(reply)
        try:
            self._send_from(conversation, reply.offset)
            return self._believed(self._finish(conversation))
        except SourceChanged as error:
            self._discard(conversation, error)
            raise

    def _request(self) -> m.Upload | m.Resume:
        sending = self._sending
        if sending.resume is not None:
            return m.Resume(upload_id=self._upload_id) if self._upload_id else sending.resume
        return m.Upload(
            upload_id=self._upload_id,
            path=sending.item.path,
            size=UNSET if sending.item.size is None else sending.item.size,
            on_conflict=sending.on_conflict,
            modified=UNSET if sending.modified is None else sending.modified,
        )

    def _check_offset(self, ready: m.Ready) -> None:
        size = self._source.size
        if size is not None and ready.offset > size:
            raise ProtocolError(f"The server asks to go on at {ready.offset}, and the file has {size} bytes.")
        self._upload_id = self._upload_id or ready.upload_id
        if self._resumed_from is None:
            self._resumed_from = ready.offset
        if ready.offset > self._furthest:
            self._furthest = ready.offset
            self._line.patience.progress()
        self._source.kept(ready.offset)
        self._reporter.start(self._sending.item, ready.offset)

    def _send_from(self, conversation: Conversation, offset: int) -> None:
        while True:
            self._hear(conversation, wait=self._source.must_wait(offset))
            piece = self._rate.piece(PIECE)
            data = self._source.read(offset, piece)
            if not data:
                return
            self._rate.take(len(data))
            before = conversation.body_sent
            try:
                conversation.send_segment(data)
            finally:
                self._moved += conversation.body_sent - before
            offset += len(data)
            self._reporter.moved(self._sending.item, len(data))
            if self._source.size is None:
                self._line.patience.progress()  # a program that prints slowly is no failure

    def _hear(self, conversation: Conversation, *, wait: bool) -> None:
        """Take what the server says meanwhile: checkpoints, or that it refuses the rest."""
        event = self._wait_for_checkpoint(conversation) if wait else conversation.arrived()
        while event is not None:
            self._take(conversation, event)
            event = conversation.arrived()

    def _wait_for_checkpoint(self, conversation: Conversation) -> Event:
        return conversation.next(patience=_CHECKPOINT_SECONDS)

    def _take(self, conversation: Conversation, event: Event) -> None:
        if isinstance(event, m.Checkpoint):
            self._line.patience.progress()
            self._furthest = max(self._furthest, event.offset)
            self._source.kept(event.offset)
            return
        error = error_of(event)
        if error is None:
            raise ProtocolError("The server answered an upload before its end.")
        self._give_up(conversation, error)
        raise error

    @staticmethod
    def _give_up(conversation: Conversation, error: FileshareError) -> None:
        """End a body that the server has refused; where the line is gone as well, the refusal counts."""
        try:
            conversation.give_up(error)
        except ConnectionLost:
            return

    def _finish(self, conversation: Conversation) -> m.Stored:
        digest = self._source.digest()
        size = self._source.size or 0
        conversation.send_end(size, digest)
        while True:
            reply = conversation.next(patience=_FINISH_SECONDS + size / _FINISH_BYTES_PER_SECOND)
            if isinstance(reply, m.Stored):
                if (reply.size, reply.digest.lower()) != (size, digest):
                    raise ProtocolError("The server says it stored something else than what was sent.")
                return reply
            error = error_of(reply)
            if error is not None:
                raise error
            if not isinstance(reply, m.Checkpoint):
                raise ProtocolError("The server did not say what became of the upload.")

    def _believed(self, stored: m.Stored) -> m.Stored:
        """The answer for the upload that was asked about, or none at all."""
        if stored.upload_id != (self._upload_id or stored.upload_id):
            raise ProtocolError("The server answered for another upload.")
        if self._source.size is not None and stored.size != self._source.size:
            raise ProtocolError("The server says it stored something else than what was to be sent.")
        return stored

    def _discard(self, conversation: Conversation, error: SourceChanged) -> None:
        """The bytes on the server belong to a file that is no more: nobody can go on with them."""
        try:
            conversation.give_up(error)
            while isinstance(conversation.next(), m.Checkpoint):
                continue
            conversation.ask(m.Abort(upload_id=self._upload_id), m.Done)
        except (ConnectionLost, NotFound):
            return
