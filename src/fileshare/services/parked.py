"""Writers that wait for the next request of their upload: over HTTP a file comes in several.

To open a part again costs a sync, a row and a hash of all that is there; a parked writer
has all that at hand. It keeps nobody out: whoever else wants the upload gets it at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fileshare.domain.model import Caller
from fileshare.services.writer import Writer

PARK_SECONDS = 60.0
"""How long an open file waits for a client that sends its next piece within seconds, or never."""

MOST_PARKED = 64
"""Each holds a descriptor; with more the one that has waited longest goes."""


@dataclass(frozen=True, slots=True)
class _Place:
    writer: Writer
    timer: asyncio.TimerHandle


class Parked:
    """The writers that wait, by upload."""

    def __init__(self, seconds: float = PARK_SECONDS, most: int = MOST_PARKED) -> None:
        self._seconds = seconds
        self._most = most
        self._places: dict[str, _Place] = {}
        self._releasing: set[asyncio.Task[None]] = set()

    def park(self, writer: Writer) -> None:
        """Keep a writer whose bytes are durable; it lets go by itself when nobody comes."""
        upload_id = writer.upload.id
        writer.wait_for_next(lambda: self._let_go(upload_id))
        timer = asyncio.get_running_loop().call_later(self._seconds, self._let_go, upload_id)
        self._places[upload_id] = _Place(writer, timer)
        if writer.superseded:
            self._let_go(upload_id)
        elif len(self._places) > self._most:
            self._let_go(next(iter(self._places)))

    async def take(self, caller: Caller, upload_id: str, let_go: Callable[[], None]) -> Writer | None:
        """The writer of that upload, where the same account has parked it. Raises NoSpace."""
        place = self._places.get(upload_id)
        if place is None or place.writer.caller.account.id != caller.account.id:
            return None
        self._leave(upload_id)
        try:
            await place.writer.hand_on(caller, let_go)
        except BaseException:
            await place.writer.release()
            raise
        return place.writer

    def _leave(self, upload_id: str) -> Writer:
        place = self._places.pop(upload_id)
        place.timer.cancel()
        return place.writer

    def _let_go(self, upload_id: str) -> None:
        if upload_id in self._places:
            task = asyncio.create_task(self._leave(upload_id).release())
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)
