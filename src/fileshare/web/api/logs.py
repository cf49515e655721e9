"""The server's own logs, for an admin."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.domain.access import Action
from fileshare.services.logbook import LogLine, LogQuery
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, milliseconds
from fileshare.web.api.paging import Next, Paging, cursor_of


class LogsQuery(Paging, frozen=True, kw_only=True):
    """What to look for; what is not named looks for everything."""

    source: Annotated[str, Meta(description="`server`, `web` or `database`.")] = ""
    level: Annotated[
        str, Meta(description="The least: `debug`, `info`, `warning`, `error` or `critical`.")
    ] = ""
    account: Annotated[str, Meta(description="A whole name, in any case.")] = ""
    q: Annotated[str, Meta(description="A piece of the line, in any case.")] = ""
    since: Seconds | UnsetType = UNSET
    until: Seconds | UnsetType = UNSET


class Line(Struct, frozen=True, kw_only=True):
    """One line. `trace` is where an unforeseen error came from, mostly empty."""

    time: Seconds
    level: str
    source: str
    message: str
    account: str
    address: str
    connection: str
    trace: str


class LinePage(Struct, frozen=True, kw_only=True):
    """Lines, the newest first. A page may be short although older ones match: `next` says so."""

    lines: list[Line]
    next: Next


@endpoint("GET", "/logs", Action.READ_LOGS)
async def list_logs(asked: Asked[LogsQuery, None]) -> LinePage:
    """Lines of the logs, the newest first."""
    query = asked.query
    what = LogQuery(
        limit=query.limit,
        source=query.source,
        level=query.level,
        account=query.account,
        text=query.q,
        since=milliseconds(query.since),
        until=milliseconds(query.until),
        cursor=cursor_of(query),
    )
    page = await asked.services.logbook.search(asked.caller, what)
    return LinePage(lines=[_shown(line) for line in page.lines], next=page.next)


def _shown(line: LogLine) -> Line:
    return Line(
        time=datetime.fromisoformat(line.time).timestamp(),
        level=line.level,
        source=line.source,
        message=line.message,
        account=line.account,
        address=line.address,
        connection=line.connection,
        trace=line.trace,
    )


ENDPOINTS = (list_logs,)
