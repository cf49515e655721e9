"""Fetch one file: from where the part ends, verified as a whole, never mixed from two contents.

The request names the digest that the part belongs to; where the server has another
content by now, it comes whole and the old part is kept aside. A lost connection is the
line's business; a digest that is wrong in the end is an error, unless the beginning came
from an earlier run: then the whole is fetched once more.
"""

import hashlib
import time
from typing import IO, Protocol

from msgspec import UNSET, Struct, UnsetType

from fileshare.client.conversation import Conversation, error_named
from fileshare.client.follower import PIECE
from fileshare.client.idle_lines import IdleLines
from fileshare.client.line import Line
from fileshare.client.part_sinks import PartSink
from fileshare.client.pieces import PieceLine, Pieces
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome, Reporter
from fileshare.errors import DigestMismatch, ProtocolError, SourceChanged, StorageFailed
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted

LARGE = 32 << 20
"""Bytes from which on a file is fetched in pieces, where there are several connections."""


class Wanted(Struct, frozen=True, kw_only=True):
    """One file to fetch, as the server described it."""

    path: str
    target: str
    """Absolute, local."""
    size: int
    digest: str
    modified: float
    version: int | None = None
    """Where a certain version was asked for."""
    replace: bool = False

    @property
    def item(self) -> Item:
        """What it is called in reports."""
        return Item(direction="download", path=self.path, local=self.target, size=self.size)

    def request(self, offset: int, digest: str, length: int | None = None) -> m.Download:
        """Ask for the content of that digest from `offset` on, or for another one whole."""
        most = UNSET if length is None else length
        return m.Download(path=self.path, version=self._version, offset=offset, length=most, if_digest=digest)

    def beginning(self, most: int) -> m.Download:
        """Ask for the content that is there now, up to so many bytes."""
        return m.Download(path=self.path, version=self._version, length=most)

    @property
    def _version(self) -> int | UnsetType:
        return UNSET if self.version is None else self.version


class Sink(Protocol):
    """Where the bytes of one download go."""

    @property
    def offset(self) -> int:
        """Bytes it has."""
        ...

    @property
    def belongs_to(self) -> str:
        """The digest of the content that they are the beginning of."""
        ...

    def begin_anew(self, begin: m.DownloadBegin) -> None:
        """The server has another content now, and it comes whole. Raises SourceChanged where it can't."""
        ...

    def room(self) -> memoryview:
        """Where to put the next bytes, for `write`."""
        ...

    def write(self, data: memoryview) -> None:
        """Take the beginning of the last `room`. Raises NoSpace."""
        ...

    def digest(self) -> str:
        """The digest of all that was written."""
        ...


class Fetch:
    """One download over all its attempts."""

    def __init__(self, line: Line, rate: Rate, reporter: Reporter, wanted: Wanted, sink: Sink) -> None:
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._wanted = wanted
        self._sink = sink
        self._began = time.monotonic()
        self._resumed_from: int | None = None
        self._moved = 0

    def run(self, idle: IdleLines | None = None) -> Outcome:
        """Everything up to the end, verified. Raises DigestMismatch and what another try can't mend.

        Lines that are `idle` help where the file is large.
        """
        begin = self._in_pieces(idle) if idle is not None and self._is_large else None
        begin = begin or self._line.persist(self._attempt)
        digest = begin.digest.lower()
        if self._sink.digest() != digest:
            raise DigestMismatch(
                f"The bytes of {self._wanted.path!r} that came are not those it should have."
            )
        return Outcome(
            path=begin.path,
            local=self._wanted.target,
            size=begin.size,
            digest=digest,
            version=begin.version,
            seconds=time.monotonic() - self._began,
            moved=self._moved,
            resumed_from=self._resumed_from or 0,
        )

    @property
    def _is_large(self) -> bool:
        # Under a limit the line is not what slows it down.
        return self._rate.limit is None and self._wanted.size - self._sink.offset >= LARGE

    def _in_pieces(self, idle: IdleLines) -> m.DownloadBegin | None:
        """All of it, by whoever is idle as well; None where the content has changed meanwhile."""
        sink = self._sink
        pieces = Pieces(sink, self._wanted.size, idle.workers)
        self._resumed_from = sink.offset
        self._reporter.start(self._wanted.item, sink.offset)

        def fetch(line: Line) -> None:
            PieceLine(line, pieces, self._wanted, sink.belongs_to, self._reporter).run()

        try:
            with idle.helping(fetch):
                try:
                    fetch(self._line)
                except BaseException as error:
                    pieces.fail(error)
                    raise
        except SourceChanged:
            return None
        finally:
            self._moved += pieces.moved
            pieces.keep_beginning()
        if pieces.error is None:
            return pieces.begin
        if isinstance(pieces.error, SourceChanged):
            return None
        raise pieces.error

    def _attempt(self, conversation: Conversation) -> m.DownloadBegin:
        sink = self._sink
        begin = conversation.ask(self._wanted.request(sink.offset, sink.belongs_to), m.DownloadBegin)
        if begin.digest.lower() != sink.belongs_to:
            sink.begin_anew(begin)
        if begin.offset != sink.offset or begin.offset + begin.length != begin.size:
            raise ProtocolError("The server sends another range of the file than it was asked for.")
        if self._resumed_from is None:
            self._resumed_from = sink.offset
        self._reporter.start(self._wanted.item, sink.offset)
        self._receive(conversation, begin.length)
        return begin

    def _receive(self, conversation: Conversation, left: int) -> None:
        while True:
            room = self._sink.room()[: self._rate.piece(PIECE)]
            got = conversation.body(room)
            if not isinstance(got, int):
                break
            left -= got
            if left < 0:
                raise ProtocolError("The server sent more bytes than it had announced.")
            self._rate.take(got)
            self._sink.write(room[:got])
            self._moved += got
            self._reporter.moved(self._wanted.item, got)
            self._line.patience.progress()
        if isinstance(got, Aborted):
            raise error_named(got.code, got.message)
        if left:
            raise ProtocolError("The server ended the file before its end.")


class Downloader:
    """Fetches files into parts and gives them their names."""

    def __init__(
        self,
        line: Line,
        rate: Rate,
        reporter: Reporter,
        parts: "OpensParts",
        idle: IdleLines | None = None,
    ) -> None:
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._parts = parts
        self._idle = idle

    def fetch(self, wanted: Wanted) -> Outcome:
        """The file is whole, verified, durable and under its name on return."""
        with self._parts.open(wanted) as sink:
            try:
                outcome = self._fetch_into(wanted, sink)
            except DigestMismatch:
                if not sink.from_earlier:
                    sink.discard()
                    raise
                self._reporter.note(f"{sink.path} was damaged: the whole is fetched once more")
                sink.begin_whole()
                outcome = self._fetch_into(wanted, sink)
            try:
                sink.finish(wanted.target, replace=wanted.replace)
            except StorageFailed:
                sink.discard()  # what is in memory and what is on the disk may differ
                raise
            return outcome

    def _fetch_into(self, wanted: Wanted, sink: PartSink) -> Outcome:
        return Fetch(self._line, self._rate, self._reporter, wanted, sink).run(self._idle)


class OpensParts(Protocol):
    """Who knows where the part of a download is, and whether to go on with it."""

    def open(self, wanted: Wanted) -> PartSink:
        """The part to write to."""
        ...


class StreamSink:
    """A download that goes to a program: it can't be taken back, so another content ends it."""

    def __init__(self, stream: IO[bytes], digest: str) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._room = memoryview(bytearray(PIECE))
        self.offset = 0
        self.belongs_to = digest

    def room(self) -> memoryview:
        """See Sink."""
        return self._room

    def begin_anew(self, begin: m.DownloadBegin) -> None:
        """See Sink."""
        if self.offset:
            raise SourceChanged("The file changed on the server while it was printed; nothing was mixed.")
        self.belongs_to = begin.digest.lower()

    def write(self, data: memoryview) -> None:
        """Print it."""
        self._stream.write(data)
        self._digest.update(data)
        self.offset += len(data)

    def digest(self) -> str:
        """The digest of all that was printed."""
        self._stream.flush()
        return self._digest.hexdigest()
