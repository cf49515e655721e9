"""What the disk has left and what holds it, for the pages of admins, and the warning before it is full."""

import logging
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.domain.access import Action, allows
from fileshare.errors import FileshareError
from fileshare.services.measures import Disk
from fileshare.services.ports import Usage
from fileshare.web.failures import wants_page
from fileshare.web.keys import CALLER, DISK, services_of

_log = logging.getLogger("fileshare.web")


@dataclass(frozen=True, slots=True)
class Storage:
    """The figures of one page. They may be some seconds old, sums over all versions a minute."""

    disk: Disk
    usage: Usage


async def storage_of(request: web.Request) -> Storage | None:
    """The figures; None where the disk does not tell them, which is no reason to show no page."""
    measures = services_of(request).measures
    try:
        return Storage(await measures.disk(), await measures.usage())
    except FileshareError as error:
        _log.warning("the disk's figures can't be had: %s", error.message)
        return None


@web.middleware
async def watch_disk(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have pages warn those who can do something about it; the disk is asked every ten seconds at most."""
    caller = request.get(CALLER)
    if caller is not None and allows(caller.account.role, Action.PURGE) and wants_page(request):
        try:
            request[DISK] = await services_of(request).measures.disk()
        except FileshareError as error:
            _log.warning("the disk's figures can't be had: %s", error.message)
    return await handler(request)
