"""How deleting goes on when the disk is full: by bytes that were set aside for it.

Even a delete writes a little first (the database's log). Never used for anything
that keeps more than it gives up, or the next delete would find nothing left.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fileshare.errors import NoSpace
from fileshare.services.ports import Reserve

T = TypeVar("T")


async def freeing(reserve: Reserve, unit: Callable[[], Awaitable[T]]) -> T:
    """Run a unit that gives space up; on a full disk once more, with the reserve spent.

    Raises NoSpace when there was no reserve left to spend, or it did not suffice.
    """
    try:
        return await unit()
    except NoSpace:
        if not await reserve.spend():
            raise
    return await unit()
