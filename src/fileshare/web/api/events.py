"""The audit trail, for an admin: who did what to which path, when, from where, through which door."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.domain.access import Action
from fileshare.domain.model import Event as Noted
from fileshare.errors import BadRequest
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, milliseconds, seconds
from fileshare.web.api.numbers import MAX_DIGITS
from fileshare.web.api.paging import Next, Paging, cursor_of


class EventsQuery(Paging, frozen=True, kw_only=True):
    """What to look for; what is not named looks for everything."""

    account: Annotated[str, Meta(description="A whole name.")] = ""
    action: Annotated[str, Meta(description="A whole action, such as `upload`.")] = ""
    door: Annotated[str, Meta(description="`tcp`, `web` or `command`.")] = ""
    q: Annotated[
        str, Meta(description="A piece of account, action, path, address or detail, in any case.")
    ] = ""
    since: Seconds | UnsetType = UNSET
    until: Seconds | UnsetType = UNSET


class Event(Struct, frozen=True, kw_only=True):
    """What happened. `outcome` is `ok`, `denied` or an error's code; `door` is `tcp`, `web` or `command`."""

    id: int
    time: Seconds
    action: str
    account: str
    path: str
    address: str
    door: str
    outcome: str
    detail: str


class EventPage(Struct, frozen=True, kw_only=True):
    """Events, the newest first."""

    events: list[Event]
    next: Next


@endpoint("GET", "/events", Action.READ_AUDIT)
async def list_events(asked: Asked[EventsQuery, None]) -> EventPage:
    """Events of the audit trail, the newest first, this moment's included."""
    query = asked.query
    found = await asked.services.audit.events(
        asked.caller,
        limit=query.limit,
        before_id=_id_of(cursor_of(query)),
        account=query.account,
        action=query.action,
        door=query.door,
        text=query.q,
        since=milliseconds(query.since),
        until=milliseconds(query.until),
    )
    # A full page may be the last one; the next is then empty, which costs one question more.
    following = str(found[-1].id) if len(found) == query.limit else None
    return EventPage(events=[_shown(event) for event in found], next=following)


def _id_of(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= MAX_DIGITS):
        raise BadRequest("The cursor is not one of this list: begin again with the first page.")
    return int(cursor)


def _shown(event: Noted) -> Event:
    return Event(
        id=event.id,
        time=seconds(event.time),
        action=event.action,
        account=event.account,
        path=event.path,
        address=event.address,
        door=event.door,
        outcome=event.outcome,
        detail=event.detail,
    )


ENDPOINTS = (list_events,)
