"""The trash, for an admin: see what was deleted, take it back, delete it for good.

What can't be undone is asked for first, by a page of its own, which our script shows as a dialog.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from fileshare.domain.model import Trashed
from fileshare.errors import BadRequest, Conflict, FileshareError, NotFound
from fileshare.web.forms import field_of
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.redirects import see
from fileshare.web.rendering import render
from fileshare.web.statuses import status_of
from fileshare.web.storage_box import storage_of

PAGE: Final = 100
"""Rows of one page, as many as one may want to look through."""

DAY: Final = 86_400_000
"""Milliseconds."""

_DIGITS: Final = 18


async def trash_page(request: web.Request) -> web.Response:
    """What was deleted, the newest first."""
    return await _trash(request)


async def _trash(request: web.Request, error: FileshareError | None = None) -> web.Response:
    found = await services_of(request).files.trashed(caller_of(request))
    last = max((len(found) - 1) // PAGE, 0)
    page = min(_number(request.query.get("page", "1")), last + 1)
    lifetime = services_of(request).settings.trash_days * DAY
    context = {
        "entries": [(entry, entry.deleted + lifetime) for entry in found[(page - 1) * PAGE : page * PAGE]],
        "count": len(found),
        "held": sum(entry.size for entry in found),
        "first": (page - 1) * PAGE + 1,
        "newer": page - 1,
        "older": page + 1 if page <= last else 0,
        "days": services_of(request).settings.trash_days,
        "storage": await storage_of(request),
        "error": error.message if error else "",
    }
    return render(request, "trash.html", context, status=status_of(error) if error else 200)


async def restore(request: web.Request) -> web.Response:
    """Put one back where it was."""
    trash_id = _number(await field_of(request, "entry"))
    try:
        await services_of(request).files.restore_trashed(caller_of(request), trash_id)
    except NotFound:
        return see(request, "/trash", done="trash_gone")
    except Conflict as error:
        return await _trash(request, error)
    services_of(request).measures.forget()
    return see(request, "/trash", done="untrashed")


async def ask_to_delete(request: web.Request) -> web.Response:
    """Whether one is really to go for good."""
    trash_id = _number(request.query.get("entry", ""))
    found = await services_of(request).files.trashed(caller_of(request))
    chosen = [entry for entry in found if entry.id == trash_id]
    if not chosen:
        return see(request, "/trash", done="trash_gone")
    return _ask(request, chosen, trash_id)


async def delete(request: web.Request) -> web.Response:
    """Delete one for good."""
    trash_id = _number(await field_of(request, "entry"))
    try:
        await services_of(request).files.purge_trashed(caller_of(request), trash_id)
    except NotFound:
        return see(request, "/trash", done="trash_gone")
    services_of(request).measures.forget()
    return see(request, "/trash", done="purged")


async def ask_to_empty(request: web.Request) -> web.Response:
    """Whether all of it is really to go."""
    found = await services_of(request).files.trashed(caller_of(request))
    return _ask(request, found) if found else see(request, "/trash", done="trash_gone")


async def empty(request: web.Request) -> web.Response:
    """Delete all of it for good that was there when the question was asked."""
    until = _number(await field_of(request, "until"))
    services = services_of(request)
    await services.files.empty_trash(caller_of(request), until=until)
    services.measures.forget()
    return see(request, "/trash", done="trash_emptied")


def _ask(request: web.Request, entries: Sequence[Trashed], trash_id: int = 0) -> web.Response:
    context = {
        "entry": trash_id,
        "path": entries[0].path if trash_id else "",
        "count": len(entries),
        "held": sum(entry.size for entry in entries),
        "until": max(entry.deleted for entry in entries),
        "error": "",
    }
    return render(request, "purge.html", context)


def _number(told: str) -> int:
    """A page or an entry as an address or a form tells it. Raises BadRequest."""
    if not (told.isascii() and told.isdigit() and len(told) <= _DIGITS) or int(told) < 1:
        raise BadRequest("That is no number of a page, or of something in the trash.")
    return int(told)
