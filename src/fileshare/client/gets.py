"""Fetch many small files, pipelined: requests fly ahead of the bytes, and disks sync side by side.

Small files come by GET, hundreds in one answer, where the server knows it; all others by
a DOWNLOAD each. They stay in memory until they have come whole (`landing` does the rest).
Files that had come when the line was lost are kept, and not asked for again.
"""

import time
from collections import deque
from collections.abc import Callable
from itertools import accumulate

from msgspec import Struct

from fileshare.client.conversation import Conversation, error_named
from fileshare.client.downloads import Wanted
from fileshare.client.landing import Arrived, Landing
from fileshare.client.line import Line
from fileshare.client.parts import local_error
from fileshare.client.rate import Rate
from fileshare.client.reports import Outcome, Reporter
from fileshare.client.tally import hopeless
from fileshare.errors import FileshareError, ProtocolError, TooLarge
from fileshare.wire import messages as m
from fileshare.wire.connection import SEGMENT_LIMIT

SMALL = 1 << 20
"""Bytes: what a second holds on a slow line; anything larger gets a part that can be resumed."""

_FILES = 256
"""Of one GET: its cost is then next to nothing for each file."""

_BYTES = 1 << 20
"""Of the files of one GET: as many as an answer holds."""

_FRAME = 24 << 10
"""Bytes of a GET itself, so that a full window fits the buffers of a socket that nobody reads just now."""

_PER_PATH = 3
"""Bytes of JSON around a path; a character of it takes up to four."""

_WINDOW = 64
"""DOWNLOADs without an answer: some 10 KB, which the server reads one at a time."""

_SHARE_OF_GET = 16
"""Of the window: four GETs keep both ends at work."""


class Grown(Struct, frozen=True):
    """The file is no longer small: fetch it as a large one."""


Answer = tuple[Wanted, Outcome | FileshareError | Grown]
_Asked = Wanted | list[Wanted]
"""What one request is for: a DOWNLOAD of one file, or a GET of several."""


class Gets:
    """Small files over one line, many at a time."""

    def __init__(
        self,
        line: Line,
        rate: Rate,
        reporter: Reporter,
        landing: Landing,
        answered: Callable[[list[Answer]], None],
    ) -> None:
        """`answered` hears of each file once, in the thread that calls `add` and `finish`."""
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._landing = landing
        self._answered = answered
        self._waiting: deque[Wanted] = deque()
        self._waiting_bytes = 0
        self._asked: deque[_Asked] = deque()
        self._spoken_to: Conversation | None = None
        self._by_get = 0

    def add(self, wanted: Wanted) -> None:
        """Take a file in; it is asked for together with others."""
        self._waiting.append(wanted)
        self._waiting_bytes += wanted.size
        if len(self._waiting) >= _FILES or self._waiting_bytes >= self._rate.piece(_BYTES):
            self._line.persist(lambda conversation: self._pump(conversation, lambda: not self._waiting))

    def finish(self) -> None:
        """Return when everything is fetched and under its name."""
        if self._waiting or self._asked:
            self._line.persist(lambda conversation: self._pump(conversation, self._all_came))
        self._landing.drain()
        self._tell()

    def _all_came(self) -> bool:
        return not self._waiting and not self._asked

    def _pump(self, conversation: Conversation, enough: Callable[[], bool]) -> None:
        """Ask for what waits and take answers, until it is `enough`."""
        self._begin_anew_on(conversation)
        self._ask(conversation)
        while not enough():
            self._take(conversation)
            self._ask(conversation)
        self._tell()

    def _begin_anew_on(self, conversation: Conversation) -> None:
        """On another connection everything without an answer is asked for again."""
        if self._spoken_to is conversation:
            return
        self._spoken_to = conversation
        self._by_get = conversation.limits.put_size if "get" in conversation.features else -1
        for asked in reversed(self._asked):
            self._wait_again(_files(asked))
        self._asked.clear()

    def _wait_again(self, files: list[Wanted]) -> None:
        self._waiting.extendleft(reversed(files))
        self._waiting_bytes += sum(wanted.size for wanted in files)

    # Asking

    def _ask(self, conversation: Conversation) -> None:
        """Send what the window has room for."""
        requests: list[m.Request] = []
        share = sum(map(_share, self._asked))
        while self._waiting and share < _WINDOW:
            asked = self._next(min(_FRAME, conversation.limits.frame // 2))
            self._asked.append(asked)
            requests.append(_request(asked))
            share += _share(asked)
        if requests:
            conversation.tell_all(requests)

    def _next(self, frame: int) -> _Asked:
        """What the next request is for: a GET of at most `frame` bytes where the first file can come so."""
        files: list[Wanted] = []
        size, most = 0, self._rate.piece(_BYTES)
        while self._waiting and len(files) < _FILES and self._comes_by_get(self._waiting[0]):
            wanted = self._waiting[0]
            size += wanted.size
            frame -= 4 * len(wanted.path) + _PER_PATH
            if files and (size > most or frame < 0):
                break
            files.append(self._waiting.popleft())
        asked: _Asked = files or self._waiting.popleft()
        self._waiting_bytes -= sum(wanted.size for wanted in _files(asked))
        return asked

    def _comes_by_get(self, wanted: Wanted) -> bool:
        return wanted.size <= self._by_get and wanted.version is None

    # Answers

    def _take(self, conversation: Conversation) -> None:
        """The answer to the oldest request. What ends the conversation is raised, all else is the files'."""
        asked = self._asked[0]
        try:
            if isinstance(asked, list):
                self._take_files(conversation, asked)
            else:
                self._take_file(conversation, asked)
        except FileshareError as error:
            if hopeless(error):
                raise
            self._answered([(wanted, error) for wanted in _files(self._asked[0])])
        self._asked.popleft()
        self._line.patience.progress()
        self._tell()

    def _tell(self) -> None:
        landed = self._landing.landed()
        if landed:
            self._answered([*landed])

    def _take_files(self, conversation: Conversation, files: list[Wanted]) -> None:
        """The answer to a GET. Files that it does not come to wait for another one.

        What came whole before an error lands, and is no longer asked for.
        """
        flock = _Flock(files, conversation.expect(m.GetBegin).results)
        self._asked[0] = flock.missing
        self._wait_again(flock.rest)
        self._answered(flock.refused)
        view = memoryview(bytearray(flock.size))
        try:
            conversation.whole(view, lambda count: self._came(flock, count))
        finally:
            self._asked[0] = flock.missing
            self._land(flock.arrived(view))

    def _came(self, flock: "_Flock", count: int) -> None:
        """So many bytes of the flock are there."""
        self._rate.take(count - flock.came)
        for wanted, result in flock.came_whole(count):
            self._reporter.start(wanted.item, 0)
            self._reporter.moved(wanted.item, result.size)

    def _take_file(self, conversation: Conversation, wanted: Wanted) -> None:
        """The answer to a DOWNLOAD."""
        began = time.monotonic()
        begin = conversation.expect(m.DownloadBegin)
        if begin.length > SMALL:
            raise ProtocolError("The server sends another range of the file than it was asked for.")
        self._reporter.start(wanted.item, 0)
        view = memoryview(bytearray(begin.length))
        conversation.whole(view, lambda _: None)
        self._rate.take(len(view))
        self._reporter.moved(wanted.item, len(view))
        if begin.offset or begin.size > len(view):
            self._answered([(wanted, Grown())])
            return
        outcome = Outcome(
            path=begin.path,
            local=wanted.target,
            size=begin.size,
            digest=begin.digest.lower(),
            version=begin.version,
            seconds=time.monotonic() - began,
            moved=begin.size,
        )
        self._land([Arrived(wanted, outcome, begin.modified, view)])

    def _land(self, arrived: list[Arrived]) -> None:
        if not arrived:
            return
        try:
            self._landing.take(arrived)
        except OSError as error:
            self._answered([(one.wanted, local_error(one.wanted.target, error)) for one in arrived])


class _Flock:
    """The files of one GET, as its answer tells of them, and how far their bytes have come."""

    def __init__(self, files: list[Wanted], results: list[m.GetResult]) -> None:
        """Raises ProtocolError for an answer that tells of other files, or announces too much."""
        if not 0 < len(results) <= len(files):
            raise ProtocolError("The server answers for other files than it was asked for.")
        told = list(zip(files, results, strict=False))
        self.rest = files[len(results) :]
        self.refused: list[Answer] = [(one, _refusal(result)) for one, result in told if result.code]
        self._sent = [(one, result) for one, result in told if not result.code]
        self._ends = list(accumulate(result.size for _, result in self._sent))
        self.size = self._ends[-1] if self._ends else 0
        if self.size > SEGMENT_LIMIT or any(result.size < 0 for _, result in self._sent):
            raise ProtocolError("The server announces more bytes than one answer has.")
        self._whole = 0
        self.came = 0
        self._began = time.monotonic()

    @property
    def missing(self) -> list[Wanted]:
        """Those that have not come whole."""
        return [wanted for wanted, _ in self._sent[self._whole :]]

    def came_whole(self, count: int) -> list[tuple[Wanted, m.GetResult]]:
        """So many bytes are there now: which files are whole that were not before."""
        before = self._whole
        while self._whole < len(self._ends) and self._ends[self._whole] <= count:
            self._whole += 1
        self.came = count
        return self._sent[before : self._whole]

    def arrived(self, view: memoryview) -> list[Arrived]:
        """Those that have come whole."""
        seconds = time.monotonic() - self._began
        starts = [0, *self._ends]
        return [
            Arrived(wanted, _outcome(wanted, result, seconds), result.modified, view[start:end])
            for (wanted, result), start, end in zip(
                self._sent[: self._whole], starts, self._ends, strict=False
            )
        ]


def _refusal(result: m.GetResult) -> FileshareError | Grown:
    return Grown() if result.code == TooLarge.code else error_named(result.code, result.message)


def _outcome(wanted: Wanted, result: m.GetResult, seconds: float) -> Outcome:
    return Outcome(
        path=wanted.path,
        local=wanted.target,
        size=result.size,
        digest=result.digest.lower(),
        version=result.version,
        seconds=seconds,
        moved=result.size,
    )


def _files(asked: _Asked) -> list[Wanted]:
    return asked if isinstance(asked, list) else [asked]


def _request(asked: _Asked) -> m.Request:
    if isinstance(asked, list):
        return m.Get(paths=[wanted.path for wanted in asked])
    return asked.beginning(SMALL)


def _share(asked: _Asked) -> int:
    """Of the window."""
    return _SHARE_OF_GET if isinstance(asked, list) else 1
