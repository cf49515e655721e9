"""The audit trail: who did what, from where, and how it ended. Rows are added, and go by their age alone.

Events trail by a second, so that nobody's reply waits for them. No password, token or
hash ever stands in one: callers must not hand them in.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fileshare.domain import access
from fileshare.domain.access import Action
from fileshare.domain.model import Caller, Door, Event
from fileshare.errors import BadRequest, FileshareError, Forbidden
from fileshare.services.ports import AccountStore
from fileshare.services.repeats import SPAN, Repeats
from fileshare.services.write_behind import WriteBehind

MAX_PATH: Final = 4096
"""Characters of a path in an event, as long as a path may be; a refused one may be longer."""

MAX_TEXT: Final = 1000
"""Characters of any other text in an event."""

MAX_PENDING: Final = 50_000
"""Events that wait for a store that can't write, some 30 MB; later ones are counted and lost."""

MAX_PAGE: Final = 1000
"""Events in one answer."""

MAX_NUMBER: Final = 2**63 - 1
"""What stores hold as an id or a time."""

_log = logging.getLogger("fileshare.database")

_SERVER = logging.getLogger("fileshare.server")
_LOGS = {Door.WEB.value: logging.getLogger("fileshare.web")}
"""Which log also tells of an event, by its door; the server's for all others."""


@dataclass(slots=True)
class _Pending:
    """An event that is not written yet, and how often the same was noted meanwhile."""

    event: Event
    times: int = 1
    stranger: bool = False

    def finished(self) -> Event:
        if self.times == 1:
            return self.event
        return replace(self.event, detail=f"{self.event.detail} ({self.times} times)".strip())


class Audit:
    """Notes events and writes them behind. One per process."""

    def __init__(self, store: AccountStore, clock: Callable[[], int], delay: float = 1.0) -> None:
        """`clock` tells milliseconds; `delay` is the most seconds that an event waits."""
        self._store = store
        self._clock = clock
        self._pending: list[_Pending] = []
        self._refused: dict[Event, _Pending] = {}
        self._repeats = Repeats()
        self._counting: asyncio.TimerHandle | None = None
        self._lost = 0
        self._writes = WriteBehind("audit events", self._write, delay)
        self._listeners: list[Callable[[Event], None]] = []

    async def start(self) -> None:
        """Begin to write behind."""
        await self._writes.start()

    async def stop(self) -> None:
        """Write what is left, the counts too."""
        if self._counting is not None:
            self._counting.cancel()
        self._pending += [_Pending(event) for event in self._repeats.due(None)]
        await self._writes.stop()

    async def flush(self) -> None:
        """Write what is pending; durable on return, unless the log says otherwise."""
        await self._writes.flush()

    def on_noted(self, listener: Callable[[Event], None]) -> None:
        """Have `listener` called with each event as it is noted. It must not raise."""
        self._listeners.append(listener)

    def note(
        self,
        caller: Caller | None,
        action: str,
        path: str = "",
        outcome: str = "ok",
        detail: str = "",
        *,
        account: str = "",
        address: str = "",
        door: str = "",
        logged: bool = True,
    ) -> None:
        """Add an event; `account`, `address` and `door` serve where there is no caller.

        The door's log tells it too, unless `logged` is False (one of very many at once).
        `outcome` is `ok`, `denied` or an error's code. The same refusal again within one
        write is counted and not repeated, so that a flood of them can't fill the disk; that of
        somebody unknown within a minute, by whatever address of theirs.
        """
        if caller is not None:
            account, address, door = caller.account.name, caller.address, caller.door
        event = Event(
            time=self._clock(),
            action=_clean(action, MAX_TEXT),
            account=_clean(account, MAX_TEXT),
            path=_clean(path, MAX_PATH),
            address=_clean(address, MAX_TEXT),
            door=_clean(door, MAX_TEXT),
            outcome=_clean(outcome, MAX_TEXT),
            detail=_clean(detail, MAX_TEXT),
        )
        for listener in self._listeners:
            listener(event)
        if caller is None and event.outcome != "ok" and self._repeats.counted(event):
            self._count_later()
            return
        if logged:
            _tell(event)
        if event.outcome == "ok":
            self._add(_Pending(event))
        else:
            self._add_refused(event, stranger=caller is None)

    def note_all(
        self, caller: Caller, action: str, done: Sequence[tuple[str, str]], outcome: str = "ok"
    ) -> None:
        """Add an event for each path and detail of very many at once; the door's log has one line for all.

        `action`, `outcome` and the details are words of our own, at most MAX_TEXT long.
        """
        time, about = self._clock(), (caller.account.name, caller.address, caller.door)
        account, address, door = (_clean(text, MAX_TEXT) for text in about)
        for path, detail in done:
            event = Event(
                time=time,
                action=action,
                account=account,
                path=_clean(path, MAX_PATH),
                address=address,
                door=door,
                outcome=outcome,
                detail=detail,
            )
            for listener in self._listeners:
                listener(event)
            self._add(_Pending(event))
        _LOGS.get(caller.door, _SERVER).info("%s %s: %d files at once", action, outcome, len(done))

    def check(self, caller: Caller, action: Action, path: str = "") -> None:
        """`access.check`, and what it denies is noted. Raises Forbidden."""
        try:
            access.check(caller, action)
        except Forbidden:
            self.note(caller, action, path, "denied")
            raise

    async def events(
        self,
        caller: Caller,
        *,
        limit: int,
        before_id: int | None = None,
        account: str = "",
        action: str = "",
        door: str = "",
        text: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> Sequence[Event]:
        """Events that match all filters, the newest first, this moment's included.

        Raises Forbidden, and BadRequest for a limit beyond MAX_PAGE or numbers that no event has.
        """
        self.check(caller, Action.READ_AUDIT)
        if not 1 <= limit <= MAX_PAGE:
            raise BadRequest(f"A page of events has 1 to {MAX_PAGE}.")
        if any(number is not None and abs(number) > MAX_NUMBER for number in (before_id, since, until)):
            raise BadRequest("There are no events of such a number or time.")
        await self.flush()
        account, action, door, text = (_clean(each, MAX_TEXT) for each in (account, action, door, text))
        return await self._store.events(
            limit,
            before_id=before_id,
            account=account,
            action=action,
            door=door,
            text=text,
            since=since,
            until=until,
        )

    def _count_later(self) -> None:
        """Have the counts written when their minute is over, although nothing else may happen."""
        if self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(SPAN / 1000, self._count_now)

    def _count_now(self) -> None:
        self._counting = None
        self._writes.nudge()

    def _add_refused(self, event: Event, *, stranger: bool) -> None:
        """Once per write, whenever in it."""
        key = replace(event, time=0)
        known = self._refused.get(key)
        if known is not None:
            known.times += 1
        elif self._add(pending := _Pending(event, stranger=stranger)):
            self._refused[key] = pending

    def _add(self, pending: _Pending) -> bool:
        """False when a store that can't write has let too many pile up."""
        if len(self._pending) >= MAX_PENDING:
            self._lost += 1
            return False
        self._pending.append(pending)
        self._writes.nudge()
        return True

    async def _write(self) -> None:
        counts = [_Pending(event) for event in self._repeats.due(self._clock())]
        batch, self._pending = self._pending + counts, []
        for pending in self._refused.values():
            if pending.stranger:
                self._repeats.told(pending.event)
        self._refused.clear()
        if not batch:
            return
        try:
            await self._store.add_events([pending.finished() for pending in batch])
        except FileshareError:
            self._pending = batch + self._pending
            raise
        if self._lost:
            _log.error("%d audit events were lost while they could not be written", self._lost)
            self._lost = 0


def _clean(text: str, limit: int) -> str:
    """Text that every store takes: no lone surrogates (a refused name may have them), not without end."""
    if text.isascii():
        return str(text)[:limit]
    return str(text)[:limit].encode("utf-8", "backslashreplace").decode()


def _tell(event: Event) -> None:
    """The event as a line of its door's log. The formatter adds who and from where, and escapes names."""
    log = _LOGS.get(event.door, _SERVER)
    about = " ".join(part for part in (event.path, event.detail) if part)
    level = logging.INFO if event.outcome == "ok" else logging.WARNING
    log.log(level, "%s %s: %s", event.action, event.outcome, about or event.account)
