"""Who may ask for a URL at all, by its row in the table of routes.

The services check every action again; this makes a missing check there no hole, and tells
somebody who may not see a page so before anything of it is read.
"""

import functools
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler

from fileshare.domain.access import Action
from fileshare.domain.addresses import is_loopback
from fileshare.errors import TooLarge
from fileshare.web.failures import wants_page
from fileshare.web.identity import caller_of, member_of, uses_cookie
from fileshare.web.keys import CALLER, services_of
from fileshare.web.origin import address_of, is_forwarded
from fileshare.web.redirects import see


class Open(StrEnum):
    """What is needed where it is no action of the table of roles."""

    EVERYONE = "everyone"
    """Nothing: pages before the login, and what is the same for all."""
    MEMBERS = "members"
    """A login, of whatever role: what is the caller's own."""
    NEARBY = "nearby"
    """A program on this machine that asks directly, or somebody who may read the metrics."""


Needs = Open | Action

PASSWORD_PAGE = "/account/password"  # noqa: S105 (a path)
STRANGERS_BODY = 64 << 10
"""Bytes that are read for somebody unknown: name and password, at their longest and all escaped. The
megabyte that others may send takes a tenth of a second to parse, with the loop standing still."""

WITH_DEFAULT_PASSWORD = (PASSWORD_PAGE, "/login", "/logout", "/static/", "/healthz")
"""The pages that somebody who still has the default password gets."""


@dataclass(frozen=True, slots=True)
class Row:
    """One URL and method, what answers, and what that needs."""

    method: str
    path: str
    handler: Handler
    needs: Needs
    streams: bool = False
    """The handler reads the body itself, by `bodies`, which also says 100 Continue."""


def guarded(row: Row) -> Handler:
    """The row's handler behind its need. Raises AuthRequired, Forbidden."""

    @functools.wraps(row.handler)
    async def check_first(request: web.Request) -> web.StreamResponse:
        if row.needs is Open.EVERYONE:
            _refuse_much(request)
        elif row.needs is Open.MEMBERS:
            member_of(request)
        elif row.needs is Open.NEARBY and not _is_nearby(request):
            services_of(request).audit.check(caller_of(request), Action.READ_METRICS)
        elif isinstance(row.needs, Action):
            services_of(request).audit.check(caller_of(request), row.needs)
        return await row.handler(request)

    return check_first


def _refuse_much(request: web.Request) -> None:
    """Refuse a body that no login has. Raises TooLarge, and 411 for one of untold length."""
    if request.can_read_body and request.content_length is None:
        raise web.HTTPLengthRequired()
    if (request.content_length or 0) > STRANGERS_BODY:
        raise TooLarge(f"A request without a login may bring {STRANGERS_BODY} bytes.")


def _is_nearby(request: web.Request) -> bool:
    """Whether a program on this machine asks by itself, and does not pass on what another one wants."""
    return is_loopback(address_of(request)) and not is_forwarded(request)


@web.middleware
async def insist_on_own_password(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead a person with the default password to change it; programs go on as they are."""
    caller = request.get(CALLER)
    if caller is None or not caller.account.default_password:
        return await handler(request)
    by_page = uses_cookie(request) and wants_page(request)
    if by_page and not request.path.startswith(WITH_DEFAULT_PASSWORD):
        return see(request, PASSWORD_PAGE)
    return await handler(request)
