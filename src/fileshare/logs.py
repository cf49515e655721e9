"""Log records: JSON lines on disk, one a line, and the same for people on the console.

Logging never makes the event loop wait: records go through a queue to a thread that
writes. No name or address can forge a line, since a line is encoded as JSON in plain
ASCII and the console shows control characters escaped. Passwords, tokens and hashes
are never logged: callers must not hand them in.

One line: `time, level, source, message, account, address, connection`, and `trace`
where an exception came with it. Loggers are `fileshare.<source>`; other libraries'
records go to the server's log, aiohttp's to the web's.
"""

import copy
import json
import logging
import logging.handlers
import os
import queue
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from types import MappingProxyType
from typing import IO

from fileshare.printable import printable

SERVER_FILES: Mapping[str, str] = MappingProxyType(
    {"server": "server.log", "web": "web_server.log", "database": "database.log"}
)
"""The server's logs by source, under the names that its users know."""

LONGEST_MESSAGE = 8 * 1024
"""Characters of a message: a client that sends a long name fills a disk more slowly."""
LONGEST_QUEUE = 10_000
"""Records that wait for a slow disk; beyond them new ones are counted and dropped, not kept in memory."""


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf the current task runs."""

    account: str = ""
    address: str = ""
    connection: str = ""


origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 (frozen)
"""The origin that every record of this task carries. A door sets it once per connection."""


@contextmanager
def on_behalf_of(
    account: str | None = None, address: str | None = None, connection: str | None = None
) -> Iterator[None]:
    """Set some of the origin within a block; what is None stays as it is."""
    given = {"account": account, "address": address, "connection": connection}
    token = origin.set(
        replace(origin.get(), **{name: value for name, value in given.items() if value is not None})
    )
    try:
        yield
    finally:
        origin.reset(token)


def source_of(logger: str) -> str:
    """Which log a logger's records belong to."""
    first, _, rest = logger.partition(".")
    if first == "fileshare":
        return rest.partition(".")[0] or "server"
    return "web" if first == "aiohttp" else "server"


class JsonLine(logging.Formatter):
    """A record as one line of JSON in ASCII, so that not even a bidirectional mark gets through."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        came: Origin = getattr(record, "origin", Origin())
        seconds, milliseconds = divmod(int(record.created * 1000), 1000)
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03}Z",
            "level": record.levelname.lower(),
            "source": source_of(record.name),
            "message": _shortened(record.getMessage()),
            "account": came.account,
            "address": came.address,
            "connection": came.connection,
        }
        if record.exc_text:
            line["trace"] = record.exc_text
        return json.dumps(line)


class PlainLine(logging.Formatter):
    """A record for a person who reads a terminal or a service's journal."""

    def __init__(self, *, level: bool = True) -> None:
        """`level`: whether the line names it; rich does that by itself."""
        super().__init__()
        self._level = level

    def format(self, record: logging.LogRecord) -> str:
        """Level, source, message and who it was about."""
        came: Origin = getattr(record, "origin", Origin())
        about = " ".join(part for part in (came.account, came.address, came.connection) if part)
        text = f"{source_of(record.name):8} {_shortened(record.getMessage())}"
        text = f"{record.levelname.lower():7} {text}" if self._level else text
        text = printable(f"{text} [{about}]" if about else text)
        # The trace is our own text; only the exception's message in it may be someone else's.
        trace = [printable(line) for line in (record.exc_text or "").splitlines()]
        return "\n    ".join((text, *trace))


def _shortened(message: str) -> str:
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[:LONGEST_MESSAGE]}… ({len(message)} characters)"


class ToQueue(logging.handlers.QueueHandler):
    """Hands records over with what only this task knows: its origin, and the exception as text."""

    queue: "queue.SimpleQueue[logging.LogRecord | None]"

    def __init__(self) -> None:
        super().__init__(queue.SimpleQueue())
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record with its text made: what it speaks of may change before the thread comes to it."""
        record = copy.copy(record)
        record.origin = origin.get()
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue it, unless the disk is so slow that the queue has no end."""
        if self.queue.qsize() >= LONGEST_QUEUE:
            self.dropped += 1
            return
        if self.dropped:
            record.msg = f"{record.msg} (after {self.dropped} lines that a slow disk made us drop)"
            self.dropped = 0
        self.queue.put(record)


class RotatedFile(logging.handlers.RotatingFileHandler):
    """A log file that only its owner and group read, and that a full disk never turns into a failure."""

    def __init__(self, path: Path, source: str, size: int, keep: int) -> None:
        super().__init__(path, maxBytes=size, backupCount=keep, encoding="ascii", delay=True)
        self.setFormatter(JsonLine())
        self.addFilter(lambda record: source_of(record.name) == source)
        self.broken = False

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename, "a", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o640)
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Say it once: a full disk must not stop the server, nor fill the console."""
        if not self.broken:
            self.broken = True
            print(f"fileshare: {self.baseFilename} can't be written: {sys.exc_info()[1]}", file=sys.stderr)  # noqa: T201


def console_handler(stream: IO[str]) -> logging.Handler:
    """Records for people: coloured by rich on a terminal, plain lines otherwise."""
    if not stream.isatty():
        plain = logging.StreamHandler(stream)
        plain.setFormatter(PlainLine())
        return plain
    from rich.console import Console  # noqa: PLC0415 (costs 40 ms, needed on terminals only)
    from rich.highlighter import NullHighlighter  # noqa: PLC0415
    from rich.logging import RichHandler  # noqa: PLC0415

    rich = RichHandler(
        console=Console(file=stream), show_path=False, markup=False, highlighter=NullHighlighter()
    )
    rich.setFormatter(PlainLine(level=False))
    return rich


class Logs:
    """Logging of one process, from `start` to `stop`."""

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str] = SERVER_FILES,
        *,
        level: str = "info",
        size: int = 10 * 2**20,
        keep: int = 5,
    ) -> None:
        """`files` are names in `folder` by source; `size` bytes a file, `keep` rotated ones of each."""
        self._folder = folder
        self._level = level.upper()
        self._handlers: list[logging.Handler] = [
            RotatedFile(folder / name, source, size, keep) for source, name in files.items()
        ]
        self._entry = ToQueue()
        self._listener = logging.handlers.QueueListener(self._entry.queue, *self._handlers)
        self._before: tuple[int, Sequence[logging.Handler]] = (logging.WARNING, ())

    def start(self) -> None:
        """Take over the root logger. Raises OSError when the folder can't be made."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        root = logging.getLogger()
        self._before = (root.level, tuple(root.handlers))
        root.handlers[:] = [self._entry]
        root.setLevel(logging.WARNING)
        logging.getLogger("fileshare").setLevel(self._level)
        # Libraries quote what a client sent in their warnings: raw on the console it could move a cursor.
        logging.captureWarnings(True)
        self._listener.start()

    def show_on(self, console: IO[str]) -> None:
        """From now on show people what is logged, too."""
        handler, since = console_handler(console), time.time()
        handler.addFilter(lambda record: record.created >= since)
        self._handlers.append(handler)
        self._listener.handlers = tuple(self._handlers)

    def stop(self) -> None:
        """Write everything that was logged, close the files, give the root logger back."""
        root = logging.getLogger()
        level, handlers = self._before
        logging.captureWarnings(False)
        root.setLevel(level)
        root.handlers[:] = handlers
        self._listener.stop()
        for handler in self._handlers:
            handler.close()
