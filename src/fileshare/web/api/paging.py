"""Long lists, page by page: `limit` and `cursor` in, `next` out."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from msgspec import Meta

from fileshare.errors import BadRequest
from fileshare.web.api.asking import Query

MAX_PAGE = 1000
"""Some 300 kB of JSON."""

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="How many at most.")]
Next = Annotated[
    str | None, Meta(description="The `cursor` of the following page; null where there is none.")
]
Cursor = Annotated[
    str, Meta(description="Where to go on: `next` of the page before; empty for the first one.")
]

_MARK = re.compile(r"[0-9a-z-]{1,64}\Z")

T = TypeVar("T")


class Paging(Query, frozen=True, kw_only=True):
    """One page of a list."""

    limit: Limit = 100
    cursor: Cursor = ""


def cursor_of(paging: Paging) -> str | None:
    """The cursor as the services take it."""
    return paging.cursor or None


def cut(items: Sequence[T], mark_of: Callable[[T], str], paging: Paging) -> tuple[Sequence[T], str | None]:
    """One page of a list that is known whole, and the cursor of the next.

    The marks fall from item to item (the newest first), so that a cursor stays good while items
    come and go. Raises BadRequest for a cursor that no page had.
    """
    cursor = cursor_of(paging)
    if cursor is not None:
        if not _MARK.match(cursor):
            raise BadRequest("The cursor is not one of this list: begin again with the first page.")
        items = [item for item in items if mark_of(item) < cursor]
    page = items[: paging.limit]
    return page, mark_of(page[-1]) if len(items) > len(page) else None
