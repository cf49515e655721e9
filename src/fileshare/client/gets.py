"""Fetch many small files, pipelined: requests fly ahead of the bytes, and disks sync side by side.

A small file stays in memory until its digest is right, and is then written under a
passing name, synced and renamed; a few threads do that, because one sync after the
other costs 3 ms each and four at once a tenth of it.
"""

import hashlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from fileshare.client.conversation import Conversation, error_named
from fileshare.client.downloads import Wanted
from fileshare.client.line import Line
from fileshare.client.parts import SUFFIX, local_error, place, set_modified
from fileshare.client.places import sync_folder
from fileshare.client.rate import Rate
from fileshare.client.reports import Outcome, Reporter
from fileshare.client.tally import hopeless
from fileshare.errors import DigestMismatch, FileshareError, ProtocolError
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted

SMALL = 1 << 20
"""Bytes: what a second holds on a slow line; anything larger gets a part that can be resumed."""

_IN_FLIGHT = 64
"""Requests without an answer: some 10 KB, which the server reads one at a time."""

_WRITERS = 4
_WAITING = 8
"""Files in memory that wait for a writer: 8 MB at most."""


class Grown(Struct, frozen=True):
    """The file is no longer small: fetch it as a large one."""


Answer = tuple[Wanted, Outcome | FileshareError | Grown]


class Gets:
    """Small files over one line, many at a time."""

    def __init__(
        self, line: Line, rate: Rate, reporter: Reporter, answered: Callable[[Answer], None]
    ) -> None:
        """`answered` hears of each file once, in the thread that calls `add` and `finish`."""
        self._line = line
        self._rate = rate
        self._reporter = reporter
        self._answered = answered
        self._waiting: deque[Wanted] = deque()
        self._asked: deque[Wanted] = deque()
        self._spoken_to: Conversation | None = None
        self._writers = Writers()

    def add(self, wanted: Wanted) -> None:
        """Ask for a file, and take what has come."""
        self._waiting.append(wanted)
        if len(self._waiting) + len(self._asked) >= _IN_FLIGHT:
            self._line.persist(lambda conversation: self._pump(conversation, _IN_FLIGHT // 2))

    def finish(self) -> None:
        """Return when everything is fetched and under its name."""
        if self._waiting or self._asked:
            self._line.persist(lambda conversation: self._pump(conversation, 0))
        self._writers.drain()
        self._tell()

    def close(self) -> None:
        """End the writing threads; what they have is written first."""
        self._writers.close()

    def _pump(self, conversation: Conversation, until: int) -> None:
        """Send what waits and take answers, until at most so many are open."""
        if self._spoken_to is not conversation:
            self._spoken_to = conversation
            self._waiting.extendleft(reversed(self._asked))
            self._asked.clear()
        conversation.tell_all([wanted.beginning(SMALL) for wanted in self._waiting])
        self._asked.extend(self._waiting)
        self._waiting.clear()
        while len(self._asked) > until:
            self._take(conversation, self._asked[0])
            self._asked.popleft()
            self._line.patience.progress()
            self._tell()

    def _tell(self) -> None:
        for answer in self._writers.written():
            self._answered(answer)

    def _take(self, conversation: Conversation, wanted: Wanted) -> None:
        """The answer to one request. What ends the conversation is raised, all else belongs to the file."""
        began = time.monotonic()
        try:
            begin = conversation.expect(m.DownloadBegin)
            content = self._body(conversation, wanted, begin)
        except FileshareError as error:
            if hopeless(error):
                raise
            self._answered((wanted, error))
            return
        if begin.offset or begin.size > len(content):
            self._answered((wanted, Grown()))
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
        self._writers.write(_Arrived(wanted, outcome, begin.modified, content))

    def _body(self, conversation: Conversation, wanted: Wanted, begin: m.DownloadBegin) -> bytearray:
        """All bytes that the server announced, which are few. Raises ProtocolError, or how it was aborted."""
        if begin.length > SMALL:
            raise ProtocolError("The server sends another range of the file than it was asked for.")
        content = bytearray(begin.length)
        view = memoryview(content)
        self._reporter.start(wanted.item, 0)
        at = 0
        while isinstance(got := conversation.body(view[at:] or _OVERFLOW), int):
            at += got
            if at > begin.length:
                raise ProtocolError("The server sent more bytes than it had announced.")
        if isinstance(got, Aborted):
            raise error_named(got.code, got.message)
        if at < begin.length:
            raise ProtocolError("The server ended the file before its end.")
        self._rate.take(at)
        self._reporter.moved(wanted.item, at)
        return content


_OVERFLOW = memoryview(bytearray(1))
"""Where a byte too many goes, so that it is noticed."""


class _Arrived(Struct, frozen=True):
    wanted: Wanted
    outcome: Outcome
    modified: float
    content: bytearray


class Writers:
    """Threads that verify, write, sync and rename small files."""

    def __init__(self) -> None:
        self._queue: queue.Queue[_Arrived | None] = queue.Queue(_WAITING)
        self._answers: deque[Answer] = deque()
        self._folders: set[str] = set()
        self._threads: list[threading.Thread] = []

    def write(self, arrived: _Arrived) -> None:
        """Hand a file over; waits while many are waiting."""
        if len(self._threads) < _WRITERS:
            thread = threading.Thread(target=self._run, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._queue.put(arrived)

    def written(self) -> list[Answer]:
        """What became of files since the last call."""
        return [self._answers.popleft() for _ in range(len(self._answers))]

    def drain(self) -> None:
        """Return when all files are under their names, durably."""
        self._queue.join()
        folders, self._folders = self._folders, set()
        for folder in folders:
            sync_folder(folder)

    def close(self) -> None:
        """End the threads."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self) -> None:
        while (arrived := self._queue.get()) is not None:
            try:
                self._answers.append((arrived.wanted, self._store(arrived)))
            except FileshareError as error:
                self._answers.append((arrived.wanted, error))
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _store(self, arrived: _Arrived) -> Outcome:
        wanted = arrived.wanted
        if hashlib.sha256(arrived.content).hexdigest() != arrived.outcome.digest:
            raise DigestMismatch(f"The bytes of {wanted.path!r} that came are not those it should have.")
        folder = os.path.dirname(wanted.target)
        passing = os.path.join(folder, f".fileshare-{os.getpid()}-{threading.get_ident()}{SUFFIX}")
        try:
            _write(passing, arrived.content)
            set_modified(passing, arrived.modified)
            place(passing, wanted.target, replace=wanted.replace)
        except OSError as error:
            raise local_error(wanted.target, error) from None
        finally:
            if os.path.lexists(passing):
                os.unlink(passing)
        self._folders.add(folder)
        return arrived.outcome


def _write(path: str, content: bytearray) -> None:
    """Write and sync a file that nobody else knows of; what a killed client left there goes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
