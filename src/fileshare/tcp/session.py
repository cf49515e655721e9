"""One connection from its first byte to its last: read a message, let its handler answer, go on.

Holds who the caller is and the one wire conversation; decides nothing about files. Every
failure ends in one clear reply or a closed connection, never in both ends waiting.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fileshare.domain.addresses import group_of
from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door
from fileshare.errors import (
    AuthRequired,
    BadRequest,
    ConnectionLost,
    FileshareError,
    ProtocolError,
)
from fileshare.logs import on_behalf_of
from fileshare.services.accounts import Accounts
from fileshare.services.appending import Appending
from fileshare.services.files import Files
from fileshare.services.room import Room
from fileshare.services.seats import MOMENT, Seats
from fileshare.services.uploads import Uploads
from fileshare.services.whole_files import WholeFiles
from fileshare.tcp.answers import reply_for
from fileshare.tcp.stream import LINGER_SECONDS, Stream
from fileshare.tcp.turns import Turns
from fileshare.wire import messages as m
from fileshare.wire.connection import Exactly, FrameLimits, ServerConnection, Unauthenticated

DRAINING_LINGER = 1.0
"""Seconds that a closing connection still reads while the server stops: its peer may never close."""

_log = logging.getLogger("fileshare.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpLimits:
    """What this door allows. Sizes are bytes; each row's reason stands with the settings."""

    frames: FrameLimits
    first_frame_seconds: float = 10
    stall_seconds: float = 60
    idle_seconds: float = 600
    max_unauthenticated: int = 100
    max_unauthenticated_per_address: int = 20
    moment: float = MOMENT
    room: Room = field(default_factory=Room)
    window_uploads: int = 1024
    window_bytes: int = 4 << 20
    small_size: int = 32 << 10
    max_file_size: int | None = None
    list_limit: int = 100_000


@dataclass(frozen=True, slots=True)
class Services:
    """What a session calls."""

    uploads: Uploads
    appending: Appending
    whole_files: WholeFiles
    files: Files
    accounts: Accounts
    limits: TcpLimits
    lists: Turns


class Session:
    """One connection's state, and the loop over its messages."""

    def __init__(
        self,
        stream: Stream,
        services: Services,
        seats: Seats,
        connection_id: str,
        anonymous: Account | None,
    ) -> None:
        self.stream = stream
        self.services = services
        self.wire = ServerConnection(services.limits.frames, anonymous=anonymous is not None)
        self.draining = False
        self.nonces: dict[str, bytes] = {}
        """The nonce of the last HAVE, by digest."""
        self.puts: asyncio.Task[None] | None = None
        """The last of the PUTs whose results are still to come."""
        self._seats = seats
        self._has_spoken = False
        """Whether a whole frame has come."""
        self._connection_id = connection_id
        self._anonymous = anonymous
        self._caller: Caller | None = None
        self.idle = True
        """Whether it waits for a request; otherwise one is being answered."""
        if anonymous is not None:
            self._caller = self._as_caller(anonymous, None)

    def _as_caller(self, account: Account, session_id: int | None) -> Caller:
        return Caller(account, self.stream.address, Door.TCP, self._connection_id, session_id)

    @property
    def caller(self) -> Caller:
        """Who asks. Raises AuthRequired."""
        if self._caller is None:
            raise AuthRequired()
        return self._caller

    @property
    def known_caller(self) -> Caller | None:
        """Who asks, if anyone has logged in."""
        return self._caller

    # Its place

    @property
    def group(self) -> str:
        """Of addresses, for which it counts."""
        return group_of(self.stream.address)

    @property
    def stranger(self) -> bool:
        """Who has not logged in, or, where that is not needed, has not yet said a word."""
        return self._caller is None or not self._has_spoken

    @property
    def holder(self) -> Hashable:
        """For whom it is open: the account, or, where nobody logs in, everyone at that address."""
        caller = self._caller
        if caller is None:
            return None
        return self.group if caller.account.id == ANONYMOUS_ID else caller.account.id

    def give_way(self) -> None:
        """To another; its descriptor is free in a moment."""
        self.stream.abort()

    # Who asks

    def logged_in(self, account: Account, session_id: int | None) -> None:
        """From here on the connection acts for this account."""
        self._caller = self._as_caller(account, session_id)

    def logged_out(self) -> None:
        """The connection acts for nobody any more (or for anyone, where no login is needed)."""
        self._caller = None if self._anonymous is None else self._as_caller(self._anonymous, None)

    def reply(self, reply: m.Reply) -> None:
        """Answer; the bytes go out in order and without waiting."""
        self.stream.put(self.wire.send(reply))

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[None]:
        """A turn of the caller's to be sent a list, which ends when it was read."""
        async with self.services.lists.turn(self.holder):
            yield
            await self.stream.drain()

    async def run(self, handlers: "Handlers") -> None:
        """Serve the connection until either side is done."""
        with on_behalf_of(address=self.stream.address, connection=self._connection_id):
            try:
                await self._serve(handlers)
            except ConnectionLost as error:
                _log.debug("connection ended: %s", error.message)
            finally:
                await self._finish()

    async def _serve(self, handlers: "Handlers") -> None:
        try:
            while not self.draining:
                try:
                    request = await self._next_request()
                    if request is None:
                        return
                    await self._handle(request, handlers)
                except (BadRequest, AuthRequired) as error:
                    self.refuse(error)
                self.idle = True
                await self.stream.drain()
                self._seats.wait(self)
        except ProtocolError as error:
            _log.info("protocol error: %s", error.message)
            self._last_word(error)

    async def _next_request(self) -> m.Request | None:
        """The next whole request; None when the peer has said goodbye between two."""
        seconds = self._first_byte_seconds()
        deadline = asyncio.get_running_loop().time() + seconds
        while isinstance(want := self.wire.wants(), Exactly):
            left = deadline - asyncio.get_running_loop().time()
            raw = await self.stream.read_exactly(want.count, max(left, 0))
            if raw is None:
                return None
            event = self.wire.receive(raw)
            if isinstance(event, m.Request):
                return event
            if not self.stranger:
                deadline = asyncio.get_running_loop().time() + self.services.limits.stall_seconds
        return None

    def _first_byte_seconds(self) -> float:
        """A stranger's whole frame has its seconds in total; a caller may be idle between two."""
        limits = self.services.limits
        return limits.first_frame_seconds if self.stranger else limits.idle_seconds

    async def _handle(self, request: m.Request, handlers: "Handlers") -> None:
        self.idle, self._has_spoken = False, True
        self._seats.ask(self)
        if not isinstance(request, m.Put):
            await self.puts_stored()
        if isinstance(request, Unauthenticated):
            raise AuthRequired()
        try:
            await handlers[type(request)](self, request)
        except (BadRequest, AuthRequired, ProtocolError, ConnectionLost):
            raise
        except FileshareError as error:
            self.refuse(error)

    def refuse(self, error: FileshareError) -> None:
        """Tell an error as the answer to the last request."""
        if self.wire.owes_reply:
            self.reply(reply_for(error))
        else:
            _log.warning("an error had no request to answer: %s", error.message)
            self._last_word(error)
            raise ConnectionLost()

    async def puts_stored(self) -> None:
        """Wait until every PUT so far has its results, since replies come in order."""
        if self.puts is not None:
            await asyncio.wait([self.puts])
            self.puts = None

    def _last_word(self, error: FileshareError) -> None:
        """Say why, if it can still be said; nothing follows."""
        self.wire.close()
        self.stream.put(self.wire.send(m.Error(code=error.code, message=error.message)))

    async def _finish(self) -> None:
        await self.puts_stored()
        self._seats.wait(self)  # while it is heard out
        await self.stream.close(DRAINING_LINGER if self.draining else LINGER_SECONDS)


Handlers = dict[type[m.Request], Callable[[Session, "m.Request"], Awaitable[None]]]
