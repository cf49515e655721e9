"""Send many small files, pipelined: whole batches fly while the answers to others come in.

Keeps within the window that the server's HELLO named and holds no more than that in
memory. After a lost connection the server is asked which of the unanswered files it stored;
the others go out again under the same ids. Each file has an answer of its own.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable

from msgspec import UNSET, Struct

from fileshare.client.conversation import Conversation, error_named, error_of
from fileshare.client.line import Line
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome, Reporter
from fileshare.client.retry import retryable
from fileshare.client.sources import read_small
from fileshare.client.state import Identity
from fileshare.errors import FileshareError, ProtocolError
from fileshare.wire import messages as m
from fileshare.wire.connection import Event

_BATCH_FILES = 256
_BATCH_BYTES = 1 << 20
"""What one commit of the server then holds: each costs a sync, and pages that the next one writes again."""

_SHARE_OF_WINDOW = 3
"""A batch is this part of the window or less, so that the server stores one while it reads the next."""

_FRAME_PER_FILE = 260
"""Bytes of JSON for one file beside its path, rounded up."""


_DOUBTFUL = 4096
"""Files of a resumed job that may have been stored unheard: a window on each of many connections."""


class Small(Struct, frozen=True, kw_only=True):
    """One small file to send."""

    item: Item
    upload_id: str
    identity: Identity
    modified: float | None = None


Answer = tuple[Small, Outcome | FileshareError]
Answered = Callable[[list[Answer]], None]


class _Entry(Struct, frozen=True):
    """A file that goes out in a PUT, with its bytes."""

    small: Small
    file: m.PutFile
    content: bytes


class _Batch:
    """Files that go out in one PUT, until the last of them is answered."""

    def __init__(self) -> None:
        self.entries: dict[str, _Entry] = {}
        """Those without an answer, by upload id."""
        self.size = 0
        self.frame = 0
        self.sent = False
        self.doubtful = False
        """Whether some of it may be stored already: ask before sending."""
        self.began = time.monotonic()

    def add(self, small: Small, content: bytes) -> None:
        file = m.PutFile(
            upload_id=small.upload_id,
            path=small.item.path,
            size=len(content),
            digest=hashlib.sha256(content).hexdigest(),
            modified=UNSET if small.modified is None else small.modified,
        )
        self.entries[small.upload_id] = _Entry(small, file, content)
        self.size += len(content)
        self.frame += _frame_bytes(small)

    def outcome(self, entry: _Entry, result: m.PutResult, moved: int) -> Outcome:
        return Outcome(
            path=result.path,
            local=entry.small.item.local,
            size=entry.file.size,
            digest=entry.file.digest,
            version=result.version,
            seconds=time.monotonic() - self.began,
            moved=moved,
        )


def _frame_bytes(small: Small) -> int:
    """At most so many bytes of JSON: quotes are escaped by two bytes, everything else stays."""
    return _FRAME_PER_FILE + 2 * len(small.item.path.encode())


class Puts:
    """Small files over one line, many at a time."""

    def __init__(
        self,
        line: Line,
        rate: Rate,
        reporter: Reporter,
        on_conflict: str,
        answered: Answered,
        *,
        resumed: bool = False,
    ) -> None:
        """`answered` hears of each file once, what became of it; of many at a time.

        `resumed`: an earlier run may have sent some of the files and not heard of them.
        """
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._on_conflict = on_conflict
        self._answered = answered
        self._doubtful = _DOUBTFUL if resumed else 0
        self._open = self._new_batch()
        self._flying: deque[_Batch] = deque()
        self._spoken_to: Conversation | None = None

    def _new_batch(self) -> _Batch:
        batch = _Batch()
        batch.doubtful = self._doubtful > 0
        return batch

    def add(self, small: Small, limits: m.Limits) -> None:
        """Take a file in; it goes out with others. Raises what the line can't mend."""
        try:
            content = read_small(small.item.local, small.identity)
        except FileshareError as error:
            self._answered([(small, error)])
            return
        if self._open.entries and not self._fits(small, len(content), limits):
            self._send()
        self._open.add(small, content)
        self._doubtful -= 1

    def _fits(self, small: Small, size: int, limits: m.Limits) -> bool:
        batch = self._open
        return (
            len(batch.entries) < min(_BATCH_FILES, limits.window_uploads // _SHARE_OF_WINDOW)
            and batch.size + size
            <= min(self._rate.piece(_BATCH_BYTES), limits.window_bytes // _SHARE_OF_WINDOW)
            and batch.frame + _frame_bytes(small) + _FRAME_PER_FILE <= limits.frame
        )

    def finish(self) -> None:
        """Send what waits, and return when everything is answered."""
        self._send()
        self._line.persist(lambda conversation: self._pump(conversation, lambda: not self._flying))

    def _send(self) -> None:
        if not self._open.entries:
            return
        self._rate.take(self._open.size)
        self._flying.append(self._open)
        self._open = self._new_batch()
        self._line.persist(lambda conversation: self._pump(conversation, self._all_sent))

    def _all_sent(self) -> bool:
        return all(batch.sent for batch in self._flying)

    def _pump(self, conversation: Conversation, enough: Callable[[], bool]) -> None:
        """Send what may go and take what comes, until it is `enough`."""
        self._begin_anew_on(conversation)
        while True:
            self._send_within_window(conversation)
            event = conversation.arrived() if enough() else conversation.next()
            if event is None:
                return
            self._take(event)

    def _begin_anew_on(self, conversation: Conversation) -> None:
        """On another connection everything unanswered may be stored, or has to be sent again."""
        if self._spoken_to is not conversation:
            self._spoken_to = conversation
            for batch in self._flying:
                batch.doubtful = batch.doubtful or batch.sent
                batch.sent = False

    def _send_within_window(self, conversation: Conversation) -> None:
        limits = conversation.limits
        sent = [batch for batch in self._flying if batch.sent]
        files = sum(len(batch.entries) for batch in sent)
        size = sum(batch.size for batch in sent)
        for batch in list(self._flying):
            if batch.sent:
                continue
            if batch.doubtful:
                if sent:
                    return
                self._ask_for_receipts(conversation, batch)
                if not batch.entries:
                    continue
            files, size = files + len(batch.entries), size + batch.size
            if sent and (files > limits.window_uploads or size > limits.window_bytes):
                return
            self._send_batch(conversation, batch)
            sent.append(batch)

    def _ask_for_receipts(self, conversation: Conversation, batch: _Batch) -> None:
        """Take the answers that an earlier connection lost; what stays in the batch is not stored."""
        reply = conversation.ask(m.Receipts(upload_ids=list(batch.entries)), m.ReceiptList)
        batch.doubtful = False
        self._answered([self._settle(result, moved=False) for result in reply.results])
        self._drop_answered()

    def _drop_answered(self) -> None:
        self._flying = deque(batch for batch in self._flying if batch.entries)

    def _send_batch(self, conversation: Conversation, batch: _Batch) -> None:
        entries = batch.entries.values()
        put = m.Put(files=[entry.file for entry in entries], on_conflict=self._on_conflict)
        conversation.send_put(put, [entry.content for entry in entries])
        batch.sent = True
        for entry in entries:
            self._reporter.start(entry.small.item, 0)
            self._reporter.moved(entry.small.item, entry.file.size)

    def _take(self, event: Event) -> None:
        if not isinstance(event, m.Results):
            raise error_of(event) or ProtocolError("The server sent something else than results of a PUT.")
        self._line.patience.progress()
        later = {result.upload_id: error for result in event.results if (error := _to_try_again(result))}
        self._answered([self._settle(result) for result in event.results if result.upload_id not in later])
        self._drop_answered()
        for error in later.values():
            self._line.drop()  # everything unanswered goes out again, on another connection
            raise error

    def _settle(self, result: m.PutResult, *, moved: bool = True) -> Answer:
        batch = next((batch for batch in self._flying if result.upload_id in batch.entries), None)
        if batch is None:
            raise ProtocolError("The server answered for a file that was not sent.")
        entry = batch.entries.pop(result.upload_id)
        if result.code:
            return entry.small, error_named(result.code, result.message)
        return entry.small, batch.outcome(entry, result, entry.file.size if moved else 0)


def _to_try_again(result: m.PutResult) -> FileshareError | None:
    """Why a file was not stored, where the same bytes may be stored later."""
    error = error_named(result.code, result.message) if result.code else None
    return error if error is not None and retryable(error) else None
