"""The server's own logs as an admin reads them: searched, the newest first, and whole.

Lines come as the logs have them; they hold no secrets, and still only an admin sees them.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fileshare.domain.access import Action
from fileshare.domain.model import Caller
from fileshare.errors import BadRequest
from fileshare.services.audit import Audit

SOURCES: Final = ("server", "web", "database")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
"""From the least to the worst."""

MAX_PAGE: Final = 1000
"""Lines in one answer."""

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `time` is ISO 8601 in UTC with milliseconds, which sorts as text."""

    time: str
    level: str
    source: str
    message: str
    account: str = ""
    address: str = ""
    connection: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What to look for; empty values look for everything. Times are milliseconds."""

    limit: int
    source: str = ""
    level: str = ""
    """The least level."""
    account: str = ""
    """The whole name, in any case."""
    text: str = ""
    """A piece of message, trace, account, address or connection, in any case."""
    since: int | None = None
    until: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines, the newest first, and the cursor of older ones, None where there are none.

    A page may be short although older lines match: a search looks at so many lines at once.
    """

    lines: Sequence[LogLine]
    next: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended: a time, and how many lines of that very time were given already."""

    time: str
    given: int

    def __str__(self) -> str:
        return f"{self.time}.{self.given}"


class LogStore(Protocol):
    """Where the lines lie."""

    async def search(self, query: LogQuery, mark: Mark | None) -> LogPage:
        """Lines that match, after `mark`, the newest first."""
        ...

    def raw(self, source: str) -> AsyncIterator[bytes]:
        """All lines of a source as they lie there, the oldest first."""
        ...


class Logbook:
    """What callers do with logs."""

    def __init__(self, store: LogStore, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    async def search(self, caller: Caller, query: LogQuery) -> LogPage:
        """Lines that match all filters. Raises Forbidden, and BadRequest for a query that can't be."""
        self._audit.check(caller, Action.READ_LOGS)
        if query.source and query.source not in SOURCES:
            raise BadRequest(f"There are logs of {', '.join(SOURCES)} only.")
        if query.level and query.level not in LEVELS:
            raise BadRequest(f"The levels are {', '.join(LEVELS)}.")
        if not 1 <= query.limit <= MAX_PAGE:
            raise BadRequest(f"A page of the log has 1 to {MAX_PAGE} lines.")
        return await self._store.search(query, _parse_mark(query.cursor))

    def raw(self, caller: Caller, source: str) -> AsyncIterator[bytes]:
        """A whole log, rotated files included, the oldest line first. Raises Forbidden, BadRequest."""
        self._audit.check(caller, Action.READ_LOGS)
        if source not in SOURCES:
            raise BadRequest(f"There are logs of {', '.join(SOURCES)} only.")
        return self._store.raw(source)


def _parse_mark(text: str | None) -> Mark | None:
    if text is None:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadRequest("That is no cursor of a page of the log.")
    return Mark(found[1], int(found[2]))
