"""The transfers in flight on both doors: who moves what, how far it is, and how to stop one.

Fed by the services, so that no door can be forgotten. It reads how far a transfer is where
the transfer keeps that anyway, so being watched costs nothing per byte.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from fileshare.domain.access import Action
from fileshare.domain.model import Caller, Door
from fileshare.errors import NotFound, Stopped
from fileshare.services.audit import Audit
from fileshare.services.meters import Direction
from fileshare.services.ports import OpenFile, Sink

UNWATCHED: Final = 256 << 10
"""Downloads up to this many bytes are handed to the system in one go, over before anybody could look."""

MOST_PIECE: Final = 64 << 20
FIRST_PIECE: Final = 1 << 20
LEAST_PIECE: Final = 64 << 10
"""Bytes sent between two looks at the count, chosen so that one takes about `PIECE_SECONDS`."""

PIECE_SECONDS: Final = 0.5

GRACE_SECONDS: Final = 3.0
"""How long a stopped download may take to its next clean break; then it is cut."""

WAIT_SECONDS = 10.0
"""How long an upload that comes in several requests (tus) counts as under way without one: clients hash a
piece in between, or try again after some seconds. Longer, and those that were given up would stand there."""

SAMPLE_SECONDS: Final = 1.0
"""The least time over which a speed is taken: a shorter one shows the network's hiccups."""


class Mover(Protocol):
    """What moves the bytes of one transfer, as the register sees it."""

    @property
    def caller(self) -> Caller:
        """For whom."""
        ...

    @property
    def direction(self) -> Direction:
        """Which way."""
        ...

    @property
    def path(self) -> str:
        """Which file."""
        ...

    @property
    def size(self) -> int | None:
        """Where it ends, bytes from the file's beginning; None where nobody knows."""
        ...

    @property
    def offset(self) -> int:
        """How far it is, bytes from the file's beginning."""
        ...

    def halt(self) -> None:
        """End it soon, with `Stopped` for whoever waits or sends its next piece. What arrived stays."""
        ...


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer at the moment of looking. Sizes are bytes, `started` milliseconds."""

    id: str
    account: str
    door: Door
    address: str
    direction: Direction
    path: str
    size: int | None
    offset: int
    started: int
    speed: float
    """Bytes per second of late."""
    stopping: bool = False
    """Whether somebody has stopped it already."""

    @property
    def seconds_left(self) -> float | None:
        """How long it takes at this speed; None where nobody can tell."""
        if self.size is None or self.speed <= 0:
            return None
        return (self.size - self.offset) / self.speed


class _Watched:
    """A mover in the register, with what tells its speed."""

    def __init__(self, mover: Mover, started: int) -> None:
        self.mover = mover
        self.started = started
        self.stopping = False
        self._waiting = False
        self._shown_until = 0.0
        self._begun_at = mover.offset
        self._speed = 0.0
        self._sampled = time.monotonic()
        self._offset = mover.offset

    @property
    def given_up(self) -> bool:
        """Whether it waits, and has for so long that nobody seems to go on with it."""
        return self._waiting and time.monotonic() >= self._shown_until

    def wait(self, seconds: float) -> None:
        """Nothing moves now. Only bytes tell that somebody goes on: a mere question moves none."""
        self._waiting = True
        if self.mover.offset > self._begun_at:
            self._shown_until = time.monotonic() + seconds

    def go_on(self) -> None:
        """It moves again."""
        self._waiting, self._begun_at = False, self.mover.offset

    def speed(self) -> float:
        """Since the last look that is long enough ago. Whoever looks, it is the same for all."""
        now, offset = time.monotonic(), self.mover.offset
        if now - self._sampled >= SAMPLE_SECONDS:
            self._speed = max(offset - self._offset, 0) / (now - self._sampled)
            self._sampled, self._offset = now, offset
        return self._speed


class Transfers:
    """The transfers of one process."""

    def __init__(self, audit: Audit, clock: Callable[[], int]) -> None:
        """`clock` tells milliseconds."""
        self._audit = audit
        self._clock = clock
        self._watched: dict[int, _Watched] = {}
        self._process = secrets.token_hex(4)
        """In every id, so that a page of before a restart stops nobody else's transfer."""
        self._last = 0

    def begin(self, mover: Mover) -> int:
        """A transfer is under way; returns the number for `end`."""
        self._last += 1
        self._watched[self._last] = _Watched(mover, self._clock())
        return self._last

    def end(self, number: int) -> None:
        """It is over, well or badly. Safe to call again."""
        self._watched.pop(number, None)

    def wait(self, number: int) -> None:
        """Nothing moves, and its next piece may come: it stays for a while if bytes came of late."""
        if number in self._watched:
            self._watched[number].wait(WAIT_SECONDS)

    def go_on(self, number: int) -> None:
        """The next piece comes."""
        if number in self._watched:
            self._watched[number].go_on()

    @asynccontextmanager
    async def sending(
        self, caller: Caller, path: str, start: int, stop: int | None, sink: Sink
    ) -> AsyncIterator["Outgoing"]:
        """Around a download of [start, stop): send into what this gives instead of `sink`.

        Raises Stopped within the block when somebody stops it.
        """
        outgoing = Outgoing(caller, path, start, stop, sink)
        async with outgoing.bounded():
            number = self.begin(outgoing)
            try:
                yield outgoing
            finally:
                self.end(number)

    def list(self, caller: Caller) -> Sequence[Transfer]:
        """All that run now, the oldest first. Raises Forbidden."""
        self._audit.check(caller, Action.SEE_TRANSFERS)
        return [self._look(number, one) for number, one in self._watched.items() if not one.given_up]

    def stop(self, caller: Caller, transfer_id: str) -> None:
        """End one: an upload stays resumable, and its sender is told `stopped`.

        It may go on for some seconds. Raises NotFound when it has ended, Forbidden.
        """
        self._audit.check(caller, Action.STOP_TRANSFERS)
        number, watched = self._find(transfer_id)
        found = self._look(number, watched)
        detail = f"{found.direction} by {found.account} at byte {found.offset}"
        self._audit.note(caller, Action.STOP_TRANSFERS, found.path, detail=detail)
        watched.stopping = True
        watched.mover.halt()

    def _find(self, transfer_id: str) -> tuple[int, _Watched]:
        for number, watched in self._watched.items():
            if self._id(number) == transfer_id:
                return number, watched
        raise NotFound("That transfer has ended already.")

    def _id(self, number: int) -> str:
        return f"{self._process}-{number}"

    def _look(self, number: int, watched: _Watched) -> Transfer:
        mover = watched.mover
        return Transfer(
            id=self._id(number),
            account=mover.caller.account.name,
            door=mover.caller.door,
            address=mover.caller.address,
            direction=mover.direction,
            path=mover.path,
            size=mover.size,
            offset=mover.offset,
            started=watched.started,
            speed=watched.speed(),
            stopping=watched.stopping,
        )


class Outgoing:
    """A download on its way: a sink that counts, and that can be stopped between two pieces."""

    direction: Final = Direction.SENT

    def __init__(self, caller: Caller, path: str, start: int, stop: int | None, sink: Sink) -> None:
        self.caller: Final = caller
        self.path: Final = path
        self.size: Final = stop
        self.offset = start
        self._sink = sink
        self._piece = FIRST_PIECE
        self._stopped = False
        self._scope = asyncio.timeout(None)

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Around the sending, once: what `halt` cuts becomes Stopped."""
        try:
            async with self._scope:
                yield
        except TimeoutError:
            if self._stopped:
                raise Stopped() from None
            raise

    def halt(self) -> None:
        """Raise Stopped before the next piece; cut where that does not come."""
        if not self._stopped:
            self._stopped = True
            self._scope.reschedule(asyncio.get_running_loop().time() + GRACE_SECONDS)

    async def write(self, data: bytes | memoryview) -> None:
        """See `Sink`."""
        self._check()
        await self._sink.write(data)
        self.offset += len(data)

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """See `Sink`: in pieces, large where the reader is fast."""
        end = offset + count
        while offset < end:
            self._check()
            count = min(self._piece, end - offset)
            began = time.monotonic()
            await self._sink.send_file(file, offset, count)
            self._choose_piece(time.monotonic() - began)
            offset += count
            self.offset += count

    def _choose_piece(self, seconds: float) -> None:
        if seconds < PIECE_SECONDS / 2:
            self._piece = min(self._piece * 2, MOST_PIECE)
        elif seconds > PIECE_SECONDS * 2:
            self._piece = max(self._piece // 2, LEAST_PIECE)

    def _check(self) -> None:
        if self._stopped:
            raise Stopped()
