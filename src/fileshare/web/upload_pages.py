"""Half-done uploads: one's own, and for admins everyone's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from fileshare.domain.access import Action, allows
from fileshare.domain.model import ANONYMOUS_ID, Caller, Upload
from fileshare.errors import NotFound
from fileshare.web.forms import field_of
from fileshare.web.identity import caller_of
from fileshare.web.keys import WebServices, services_of
from fileshare.web.redirects import see
from fileshare.web.rendering import render

MOST_SHOWN = 500
"""Rows of the page, the newest first."""


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A row of the table. `owner` is empty where it is the reader's own."""

    upload: Upload
    expires: int
    arriving: bool
    """Whether somebody is sending it now."""
    owner: str = ""


async def uploads_page(request: web.Request) -> web.Response:
    """What waits to be gone on with."""
    caller, services = caller_of(request), services_of(request)
    of_all = allows(caller.account.role, Action.SEE_ANY_UPLOAD)
    found = await services.uploads.list_all(caller) if of_all else await services.uploads.list(caller)
    owners = await _owners(services, caller) if of_all else {}
    context = {
        "uploads": rows_of(services, found[:MOST_SHOWN], owners),
        "more": max(len(found) - MOST_SHOWN, 0),
        "of_all": of_all,
    }
    return render(request, "uploads.html", context)


def rows_of(
    services: WebServices, uploads: Sequence[Upload], owners: Mapping[int, str] | None = None
) -> Sequence[HalfDone]:
    """The uploads as the table shows them; `owners` are names by account id."""
    arriving = {writer.upload.id for writer in services.uploads.writers()}
    return [
        HalfDone(
            upload,
            services.uploads.expires_at(upload),
            upload.id in arriving,
            (owners or {}).get(upload.owner_id, ""),
        )
        for upload in uploads
    ]


async def _owners(services: WebServices, caller: Caller) -> Mapping[int, str]:
    accounts = await services.accounts.list(caller)
    return {ANONYMOUS_ID: "anonymous"} | {account.id: account.name for account in accounts}


async def abort_upload(request: web.Request) -> web.Response:
    """Give one up; that it is gone already is no failure."""
    try:
        await services_of(request).uploads.abort(caller_of(request), await field_of(request, "upload"))
    except NotFound:
        return see(request, "/uploads", done="upload_gone")
    return see(request, "/uploads", done="upload_aborted")
