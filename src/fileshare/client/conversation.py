"""One logged-in conversation with a server: requests, replies and bodies over a channel.

Pumps bytes between a `Channel` and the wire core and turns the server's refusals into
the errors of `errors`. HELLO and AUTH go out together and their replies are read when
the first other reply is wanted, so that a command costs one round trip less. Must not
be used after it raised ConnectionLost or ProtocolError.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import UNSET

from fileshare import __version__
from fileshare.client.channel import Channel, connect
from fileshare.client.servers import Server
from fileshare.errors import (
    AuthFailed,
    AuthRequired,
    ConnectionLost,
    FileshareError,
    ProtocolError,
    TooManyAttempts,
    error_classes,
)
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, Body, ClientConnection, End, Event, Exactly, FrameLimits
from fileshare.wire.states import State

_REPLY_LIMIT = 1 << 20
"""Bytes of one reply: pages of version 2 stay under it (design, section 10)."""

NOT_LOGGED_IN = "You are not logged in: run `fileshare-client login USER` first."

_OVERFLOW = memoryview(bytearray(1))
"""Where a byte too many goes, so that it is noticed."""

R = TypeVar("R", bound=m.Reply)


class Conversation:
    """What is said over one connection."""

    def __init__(self, channel: Channel, login: m.Login | None) -> None:
        self._channel = channel
        self._wire = ClientConnection(FrameLimits(reply=_REPLY_LIMIT))
        self._login = login
        self._welcome: m.Welcome | None = None
        self._unanswered = 0
        self.body_sent = 0
        """Bytes of uploads that the system has taken, without their headers."""
        self.identity: m.AuthSuccess | None = None
        """Who this conversation acts for, once `settle` has run; None for an anonymous one."""
        greeting = self._wire.send(m.Hello(version_wanted=2, client=f"fileshare-client {__version__}"))
        self._channel.send(greeting + (self._wire.send(login) if login is not None else b""))

    @classmethod
    def open(cls, server: Server, login: m.Login | None) -> "Conversation":
        """Connect and introduce oneself. Raises ConnectionLost."""
        channel = connect(server)
        try:
            return cls(channel, login)
        except BaseException:
            channel.close()
            raise

    @property
    def limits(self) -> m.Limits:
        """What the server takes."""
        return self.settle().limits

    @property
    def features(self) -> list[str]:
        """What the server can do beyond the least."""
        return self.settle().features

    @property
    def account(self) -> str:
        """The account's name; empty for an anonymous one."""
        self.settle()
        return (self.identity.account or "") if self.identity is not None else ""

    def logged_in(self) -> m.AuthSuccess:
        """Who this conversation acts for. Raises AuthRequired for an anonymous one."""
        self.settle()
        if self.identity is None:
            raise AuthRequired(NOT_LOGGED_IN)
        return self.identity

    def settle(self) -> m.Welcome:
        """Read the replies to HELLO and AUTH. Raises AuthFailed, AuthRequired, TooManyAttempts."""
        if self._welcome is None:
            self._welcome = self._expect(m.Welcome)
            if self._login is not None:
                self.identity = self._expect(m.AuthSuccess)
            elif not self._welcome.authenticated:
                raise AuthRequired(NOT_LOGGED_IN)
        return self._welcome

    def ask(self, request: m.Request, form: type[R]) -> R:
        """Send a request and return its reply. Raises what the server answered instead."""
        self.tell(request)
        return self.expect(form)

    def ask_begin(self, request: m.Upload | m.Resume) -> m.Ready | m.Stored:
        """Begin or go on with an upload: where to go on, or what became of it."""
        self.tell(request)
        self.settle()
        reply = self._reply()
        if isinstance(reply, m.Ready | m.Stored):
            return reply
        raise self._unexpected(reply)

    def tell(self, request: m.Request) -> None:
        """Send a request; its reply is for `expect`, in the order of requests."""
        self._channel.send(self._wire.send(request))

    def tell_all(self, requests: list[m.Request]) -> None:
        """Send several requests in one go."""
        self._channel.send(b"".join(self._wire.send(request) for request in requests))

    def expect(self, form: type[R]) -> R:
        """The next reply, which must be of that form. Raises what the server answered instead."""
        self.settle()
        return self._expect(form)

    def _expect(self, form: type[R]) -> R:
        reply = self._reply()
        if isinstance(reply, form):
            return reply
        raise self._unexpected(reply)

    def next(self, *, patience: float | None = None) -> Event:
        """Whatever comes next, waiting for it. `patience` in seconds, where silence is no bad sign."""
        self.settle()
        if patience is None:
            return self._event()
        self._channel.allow_silence(patience)
        try:
            return self._event()
        finally:
            self._channel.allow_silence()

    def arrived(self) -> Event | None:
        """What has come by itself, if anything has; does not wait for more."""
        return self._event() if self._channel.readable() else None

    def body(self, view: memoryview) -> int | End | Aborted:
        """Put the next 1 to `len(view)` bytes of the download into `view`: how many, or how it ended."""
        while True:
            want = self._wire.wants()
            if isinstance(want, Body):
                count = self._channel.into(view[: want.count])
                self._wire.took(count)
                return count
            event = self._step(want)
            if isinstance(event, End | Aborted):
                return event
            if event is not None:
                raise ProtocolError("The server sent a message where a download's bytes were due.")

    def whole(self, view: memoryview, heard: Callable[[int], None]) -> None:
        """Put all that is left of the body into `view`, whose length the server has told.

        `heard` is told how many bytes are there, as they come. Raises ProtocolError for any
        other number of bytes, and the error that the server ended the body with.
        """
        at = 0
        while isinstance(got := self.body(view[at:] or _OVERFLOW), int):
            at += got
            if at > len(view):
                raise ProtocolError("The server sent more bytes than it had announced.")
            heard(at)
        if isinstance(got, Aborted):
            raise error_named(got.code, got.message)
        if at < len(view):
            raise ProtocolError("The server ended the file before its end.")
        heard(at)

    def send_segment(self, data: bytes | memoryview) -> None:
        """Send bytes of the open upload; `data` is at most one segment."""
        header = self._wire.segment(len(data))
        before = self._channel.sent + len(header)
        try:
            self._channel.send(header, data)
        finally:
            self.body_sent += max(self._channel.sent - before, 0)

    def send_put(self, put: m.Put, contents: list[bytes]) -> None:
        """Send small files and their bytes, all in one go."""
        pieces = [self._wire.send(put)]
        self._unanswered += len(put.files)
        body = b"".join(contents)
        for at in range(0, len(body), self.limits.segment):
            piece = body[at : at + self.limits.segment]
            pieces += (self._wire.segment(len(piece)), piece)
            self._wire.sent(len(piece))
        self._channel.send(b"".join(pieces))

    def send_end(self, size: int, digest: str) -> None:
        """End the open upload: size and digest of the whole file."""
        self._channel.send(self._wire.end(size, digest))

    def give_up(self, error: FileshareError) -> None:
        """End the open upload without its whole; the server keeps what came. Reads no reply."""
        self._channel.send(self._wire.abort(error.code, error.message))

    def hurry(self, seconds: float) -> None:
        """From here on, give up after so many seconds of silence."""
        self._channel.silence = seconds
        self._channel.allow_silence()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, so that any request may come next."""
        wire = self._wire
        return wire.state is State.IDLE2 and not (wire.pending or wire.body_open or self._unanswered)

    def close(self) -> None:
        """End the conversation. Safe to call twice."""
        self._channel.close()

    def cut(self) -> None:
        """End it from another thread; whoever waits in it gets ConnectionLost."""
        self._channel.cut()

    def _reply(self) -> m.Reply:
        event = self._event()
        if isinstance(event, m.Reply):
            return event
        raise ProtocolError(f"The server sent {type(event).__name__} where a reply was due.")

    def _event(self) -> Event:
        while True:
            want = self._wire.wants()
            if isinstance(want, Body):
                raise ProtocolError("The server sent bytes where a message was due.")
            event = self._step(want)
            if isinstance(event, m.Results):
                self._unanswered -= len(event.results)
            if event is not None:
                return event

    def _step(self, want: Exactly | None) -> Event | None:
        if want is None:
            raise ConnectionLost("The server has ended the conversation.")
        return self._wire.receive(self._channel.exactly(want.count))

    def _unexpected(self, reply: m.Reply) -> FileshareError:
        return error_of(reply) or ProtocolError(f"The server's answer {reply.status} has no place here.")


def error_of(reply: object) -> FileshareError | None:
    """The error that a reply stands for, or None for one that is no refusal."""
    if isinstance(reply, m.AuthFailed) and reply.retry_after is not UNSET:
        return TooManyAttempts(reply.retry_after)
    if isinstance(reply, m.AuthRequired):
        return AuthRequired(NOT_LOGGED_IN)
    if isinstance(reply, m.Error | m.FileNotFound | m.AuthFailed | m.ChecksumFailed):
        return error_named(reply.code, reply.message)
    return None


def error_named(code: str, message: str) -> FileshareError:
    """An error as the server told it."""
    found = error_classes().get(code, FileshareError)
    if issubclass(found, TooManyAttempts):
        return AuthFailed(message)
    return found(message)
