"""Log files read from their end, while they are written and rotated.

Reads only. A line that is no log line (half written, cut by a full disk) is passed over.
"""

import asyncio
import heapq
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import dropwhile, islice
from pathlib import Path
from typing import Final

import msgspec

from fileshare.logs import SERVER_FILES
from fileshare.services.logbook import LEVELS, SOURCES, LogLine, LogPage, LogQuery, Mark

MAX_FILES: Final = 1000
"""As many rotated files as the setting `log_files` allows."""

MAX_LOOKED_AT: Final = 200_000
"""Lines that one page looks at, about a second: what matches rarely is found page by page."""

BLOCK: Final = 64 * 1024

_decoder = msgspec.json.Decoder(LogLine)


class LogFiles:
    """The logs in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def search(self, query: LogQuery, mark: Mark | None) -> LogPage:
        """See the port."""
        return await asyncio.to_thread(self._search, query, mark)

    async def raw(self, source: str) -> AsyncIterator[bytes]:
        """See the port."""
        with ExitStack() as stack:
            files = await asyncio.to_thread(self._open, source, stack)
            for file in reversed(files):
                while block := await asyncio.to_thread(file.read, BLOCK):
                    yield block

    def _search(self, query: LogQuery, mark: Mark | None) -> LogPage:
        sources = (query.source,) if query.source else SOURCES
        with ExitStack() as stack:
            logs = [_lines(self._open(source, stack)) for source in sources]
            merged = heapq.merge(*logs, key=lambda line: line.time, reverse=True)
            return _page(merged, query, mark)

    def _open(self, source: str, stack: ExitStack) -> list[io.BufferedReader]:
        """The files of a source, the newest first. One that is rotated meanwhile is not read twice."""
        found: list[io.BufferedReader] = []
        seen: set[int] = set()
        first = self._folder / SERVER_FILES[source]
        for path in (first, *(Path(f"{first}.{number}") for number in range(1, MAX_FILES))):
            try:
                file = stack.enter_context(path.open("rb"))
            except FileNotFoundError:
                if path == first:
                    continue  # rotated this moment, or nothing logged yet
                break
            inode = os.fstat(file.fileno()).st_ino
            if inode not in seen:
                seen.add(inode)
                found.append(file)
        return found


def _page(lines: Iterator[LogLine], query: LogQuery, mark: Mark | None) -> LogPage:
    """Matching lines after the mark, out of the next so many lines."""
    matches = _filter(query)
    since = "" if query.since is None else _text_of(query.since)
    if mark is not None:
        lines = dropwhile(lambda line: line.time > mark.time, lines)
    skip = mark.given if mark else 0
    found: list[LogLine] = []
    line = None
    for line in islice(lines, MAX_LOOKED_AT):
        if line.time < since:
            return LogPage(found, None)
        if not matches(line):
            continue
        if mark and line.time == mark.time and skip:
            skip -= 1
            continue
        if len(found) == query.limit:
            return LogPage(found, str(_mark_at(found[-1].time, found, mark)))
        found.append(line)
    if line is None or next(lines, None) is None:
        return LogPage(found, None)
    return LogPage(found, str(_mark_at(line.time, found, mark)))


def _mark_at(time: str, found: list[LogLine], mark: Mark | None) -> Mark:
    """The place behind the lines of that time that this page and those before it gave."""
    before = mark.given if mark and mark.time == time else 0
    return Mark(time, before + sum(line.time == time for line in found))


def _filter(query: LogQuery) -> Callable[[LogLine], bool]:
    least = LEVELS.index(query.level) if query.level else 0
    levels = frozenset(LEVELS[least:])
    account, text = query.account.casefold(), query.text.casefold()
    until = "" if query.until is None else _text_of(query.until)

    def matches(line: LogLine) -> bool:
        return (
            (not least or line.level in levels)
            and (not until or line.time < until)
            and (not account or line.account.casefold() == account)
            and (not text or text in _all_of(line).casefold())
        )

    return matches


def _all_of(line: LogLine) -> str:
    return "\n".join((line.message, line.account, line.address, line.connection, line.trace))


def _text_of(milliseconds: int) -> str:
    """A time as the lines have it; one that no calendar has becomes the nearest end."""
    if milliseconds < 0:
        return ""
    seconds, rest = divmod(milliseconds, 1000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"
    except (OverflowError, ValueError, OSError):
        return "9999"


def _lines(files: list[io.BufferedReader]) -> Iterator[LogLine]:
    """The lines of a source, the newest first."""
    for file in files:
        for raw in _backwards(file):
            line = _parse(raw)
            if line is not None:
                yield line


def _parse(raw: bytes) -> LogLine | None:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _backwards(file: io.BufferedReader) -> Iterator[bytes]:
    """The lines of a file from its end, without their ends."""
    position = file.seek(0, io.SEEK_END)
    rest = b""
    while position:
        size = min(BLOCK, position)
        position -= size
        file.seek(position)
        first, *lines = (file.read(size) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        rest = first
    if rest:
        yield rest
