"""The transfers in flight on both doors, for an admin: see them, stop one.

Our script asks for this very page again every other second; without it a reload does.
"""

from aiohttp import web

from fileshare.errors import NotFound
from fileshare.services.meters import Direction
from fileshare.web.forms import field_of
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.redirects import see
from fileshare.web.rendering import render
from fileshare.web.storage_box import storage_of

MOST_SHOWN = 500
"""Rows of the page, the oldest first; there are as many as there are connections."""


async def transfers_page(request: web.Request) -> web.Response:
    """All that run now."""
    found = services_of(request).transfers.list(caller_of(request))
    context = {
        "transfers": found[:MOST_SHOWN],
        "more": max(len(found) - MOST_SHOWN, 0),
        "words": {Direction.RECEIVED: "upload", Direction.SENT: "download"},
        "storage": await storage_of(request),
    }
    return render(request, "transfers.html", context)


async def stop_transfer(request: web.Request) -> web.Response:
    """End one; that it has ended by itself meanwhile is no failure."""
    transfer_id = await field_of(request, "transfer")
    try:
        services_of(request).transfers.stop(caller_of(request), transfer_id)
    except NotFound:
        return see(request, "/transfers", done="transfer_over")
    return see(request, "/transfers", done="transfer_stopped")
