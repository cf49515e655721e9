"""Listen, seat, serve, drain: the TCP door from outside."""

import asyncio
import logging
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence

from fileshare.services.accounts import Accounts
from fileshare.services.appending import Appending
from fileshare.services.files import Files
from fileshare.services.seats import Seats
from fileshare.services.uploads import Uploads
from fileshare.services.whole_files import WholeFiles
from fileshare.tcp.handlers import HANDLERS
from fileshare.tcp.mixed import MixedListener, listening_sockets
from fileshare.tcp.session import Services, Session, TcpLimits
from fileshare.tcp.stream import Stream
from fileshare.tcp.turns import Turns

BACKLOG = 1024
"""Connections the kernel queues: a burst of clients is served late instead of refused."""

_log = logging.getLogger("fileshare.server")


class TcpServer:
    """Everything that listens on the TCP door, and the sessions behind it."""

    def __init__(
        self,
        uploads: Uploads,
        whole_files: WholeFiles,
        files: Files,
        accounts: Accounts,
        limits: TcpLimits,
        *,
        appending: Appending,
        require_auth: bool = True,
    ) -> None:
        self._services = Services(uploads, appending, whole_files, files, accounts, limits, Turns())
        self._seats = Seats(
            limits.room,
            limits.max_unauthenticated,
            limits.max_unauthenticated_per_address,
            limits.moment,
        )
        self._require_auth = require_auth
        self._listeners: list[asyncio.Server | MixedListener] = []
        self._sessions: dict[asyncio.Task[None], Session] = {}
        accounts.on_ended(self._end_account)

    @property
    def sessions(self) -> Sequence[Session]:
        """The sessions that are open now."""
        return list(self._sessions.values())

    async def start(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        plain_from: Callable[[str], bool] | None = None,
    ) -> list[tuple[str, int]]:
        """Listen; may be called for several addresses. Returns the addresses taken. Raises OSError.

        With `tls`, only addresses for which `plain_from` is true may speak without it.
        """
        listeners = await self._listen(host, port, tls, plain_from)
        self._listeners += listeners
        return [_address(sock) for listener in listeners for sock in listener.sockets]

    async def _listen(
        self, host: str, port: int, tls: ssl.SSLContext | None, plain_from: Callable[[str], bool] | None
    ) -> Sequence[asyncio.Server | MixedListener]:
        seconds = self._services.limits.first_frame_seconds
        if tls is not None and plain_from is not None:
            sockets = await listening_sockets(host, port, BACKLOG)
            return [MixedListener(sock, self._stream, tls, plain_from, seconds) for sock in sockets]
        handshake = seconds if tls is not None else None
        loop = asyncio.get_running_loop()
        return [
            await loop.create_server(
                self._stream, host, port, ssl=tls, ssl_handshake_timeout=handshake, backlog=BACKLOG
            )
        ]

    def _stream(self) -> Stream:
        return Stream(self._connected, self._services.limits.stall_seconds)

    def _connected(self, stream: Stream) -> None:
        anonymous = None if self._require_auth else self._services.accounts.anonymous()
        session = Session(stream, self._services, self._seats, secrets.token_hex(4), anonymous)
        if not self._seats.come(session):
            stream.abort()  # a word to it would need a place of its own
            return
        task = asyncio.get_running_loop().create_task(session.run(HANDLERS))
        self._sessions[task] = session
        task.add_done_callback(self._session_over)

    def _session_over(self, task: asyncio.Task[None]) -> None:
        session = self._sessions.pop(task)
        self._seats.leave(session)
        if not task.cancelled() and (error := task.exception()) is not None:
            session.stream.abort()
            _log.error("a session failed", exc_info=error)

    def _end_account(self, account_id: int, session_id: int | None) -> None:
        """An account's logins were ended: its connections, transfers in flight included, are cut."""
        for session in self.sessions:
            caller = session.known_caller
            if caller is None or caller.account.id != account_id:
                continue
            if session_id is None or caller.session_id == session_id:
                session.draining = True
                session.stream.stop_reading()
                session.stream.abort()

    async def drain(self, seconds: float) -> None:
        """Take no more connections, let what runs go on for half of `seconds`, then stop it, resumable."""
        for listener in self._listeners:
            listener.close()
        self._seats.close()
        for session in self.sessions:
            session.draining = True
            if session.idle:
                session.stream.stop_reading()
        await self._wait_for_sessions(seconds / 2)
        for session in self.sessions:
            session.stream.stop_reading()
        await self._wait_for_sessions(seconds / 4)
        for session in self.sessions:
            session.stream.abort()
        await self._wait_for_sessions(seconds / 4)

    async def _wait_for_sessions(self, seconds: float) -> None:
        if self._sessions:
            await asyncio.wait(list(self._sessions), timeout=seconds)


def _address(sock: socket.socket) -> tuple[str, int]:
    host, port = sock.getsockname()[:2]
    return str(host), int(port)
