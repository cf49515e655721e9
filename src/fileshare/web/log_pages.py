"""The server's logs and the audit trail, for an admin: searched, page by page, and whole."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from fileshare.domain.model import Door
from fileshare.errors import BadRequest, FileshareError
from fileshare.services.logbook import LEVELS, SOURCES, LogPage, LogQuery
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.rendering import render
from fileshare.web.statuses import status_of
from fileshare.web.storage_box import storage_of
from fileshare.web.texts import iso_text

PAGE: Final = 100
"""Rows of a page: what one reads, not what one scrolls through."""

LOG_FIELDS: Final = ("source", "level", "account", "q", "since", "until")
EVENT_FIELDS: Final = ("account", "action", "door", "q", "since", "until")

ACTIONS: Final = (
    "abort",
    "authenticate",
    "delete",
    "download",
    "expire",
    "login",
    "logout",
    "mkdir",
    "move",
    "password_change",
    "password_check",
    "purge",
    "restore",
    "session_end",
    "stop_transfers",
    "upload",
    "user_add",
    "user_delete",
    "user_disable",
    "user_enable",
    "user_password",
    "user_role",
)
"""What people do, to choose from; any other can be typed."""


async def logs_page(request: web.Request) -> web.Response:
    """Lines of the logs, the newest first."""
    filters = _filters(request, LOG_FIELDS)
    page, error = LogPage((), None), None
    try:
        query = LogQuery(
            limit=PAGE,
            source=filters["source"],
            level=filters["level"],
            account=filters["account"].strip(),
            text=filters["q"],
            since=time_of(filters["since"]),
            until=time_of(filters["until"]),
            cursor=request.query.get("cursor"),
        )
        page = await services_of(request).logbook.search(caller_of(request), query)
    except BadRequest as refused:
        error = refused
    context = {
        "lines": page.lines,
        "older": _link("/logs", filters, cursor=page.next) if page.next else "",
        "newest": _link("/logs", filters) if "cursor" in request.query else "",
        "sources": SOURCES,
        "levels": LEVELS,
        "storage": await storage_of(request),
    }
    return _answer(request, "logs.html", filters, context, error)


async def download_log(request: web.Request) -> web.StreamResponse:
    """One whole log, rotated files included."""
    source = request.match_info["source"]
    blocks = services_of(request).logbook.raw(caller_of(request), source)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/x-ndjson",
            "Content-Disposition": f'attachment; filename="fileshare-{source}.log"',
        }
    )
    await response.prepare(request)
    async for block in blocks:
        await response.write(block)
    await response.write_eof()
    return response


async def audit_page(request: web.Request) -> web.Response:
    """Events, the newest first: who did what to which path, when, from where, through which door."""
    filters = _filters(request, EVENT_FIELDS)
    events, error = [], None
    try:
        events = list(
            await services_of(request).audit.events(
                caller_of(request),
                limit=PAGE + 1,
                before_id=_id_of(request.query.get("before")),
                account=filters["account"].strip(),
                action=filters["action"].strip(),
                door=filters["door"],
                text=filters["q"],
                since=time_of(filters["since"]),
                until=time_of(filters["until"]),
            )
        )
    except BadRequest as refused:
        error = refused
    more = len(events) > PAGE
    context = {
        "events": events[:PAGE],
        "actions": ACTIONS,
        "doors": list(Door),
        "older": _link("/audit", filters, before=str(events[PAGE - 1].id)) if more else "",
        "newest": _link("/audit", filters) if "before" in request.query else "",
    }
    return _answer(request, "audit.html", filters, context, error)


def _answer(
    request: web.Request,
    template: str,
    filters: Mapping[str, str],
    context: Mapping[str, object],
    error: FileshareError | None,
) -> web.Response:
    times = {name: _field_of(filters[name]) for name in ("since", "until")}
    shown = {**context, "filters": {**filters, **times}, "error": error.message if error else ""}
    return render(request, template, shown, status=status_of(error) if error else 200)


def _filters(request: web.Request, names: tuple[str, ...]) -> Mapping[str, str]:
    return {name: request.query.get(name, "") for name in names}


def _link(path: str, filters: Mapping[str, str], **more: str | None) -> str:
    """The same page with the same filters."""
    asked = {name: value for name, value in {**filters, **more}.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def time_of(text: str) -> int | None:
    """Milliseconds of what a form's date and time says, in UTC as the page says. Raises BadRequest."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except (OverflowError, ValueError):
        raise BadRequest("Write a time as 2026-12-31 or 2026-12-31T23:59, in UTC.") from None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(told.timestamp() * 1000)


def _field_of(text: str) -> str:
    """A time as a form's field takes it, empty for what is none."""
    try:
        told = time_of(text)
    except BadRequest:
        return ""
    return "" if told is None else iso_text(told)[:16]


def _id_of(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("That is no place in the trail.")
    return int(text)
