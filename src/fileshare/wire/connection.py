"""One conversation, without I/O: says how many bytes it wants next, turns bytes into events.

Pull-shaped: the shell asks `wants()`, reads just that, hands it to `receive()`. Bodies
are the shell's own (`Body`): it moves the bytes wherever they go and reports the count
with `took()`, so this buffers nothing and back-pressure stays the stream's. Server and
client are the two ends of the same tables (`states`).
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from fileshare.errors import BadRequest, ProtocolError
from fileshare.wire import messages as m
from fileshare.wire import states
from fileshare.wire.codec import (
    decode_body,
    decode_data,
    encode_reply,
    encode_request,
    encode_segment,
    open_envelope,
)
from fileshare.wire.frames import HEADER_SIZE, Kind, pack, unpack_message, unpack_segment
from fileshare.wire.states import State

VERSION = 2
SEGMENT_LIMIT = 4 << 20
"""Bytes: large enough that a header costs nothing, small enough to stop soon (design, section 4)."""


@dataclass(frozen=True, slots=True)
class Exactly:
    """Read just `count` bytes and give them to `receive`."""

    count: int


@dataclass(frozen=True, slots=True)
class Body:
    """Up to `count` bytes belong to a body: move them, then tell `took`."""

    count: int


Want = Exactly | Body | None
"""None: the shell has to speak first."""


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body is complete: `size` bytes in all, and the whole's digest where the sender tells it."""

    size: m.Size
    digest: m.Digest | msgspec.UnsetType = msgspec.UNSET


class Aborted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sender gives this body up, and why."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """The most bytes of a message, by where it comes from.

    Before a login nobody is owed memory: 4 KiB hold every AUTH. 64 KiB hold every
    request; an unchecked prefix made a plain reader buffer 64 MiB from an unknown client.
    """

    before_auth: int = 4 << 10
    after_auth: int = 64 << 10
    reply: int = 64 << 20
    """Version 1's LIST of 100,000 files; version 2's pages stay under 1 MiB."""
    depth: int = 16


Event = m.Request | m.Reply | End | Aborted


class _Conversation:
    """What both ends share: frames in, segments in and out."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self.limits = limits or FrameLimits()
        self.state = State.FRESH
        self._expecting: tuple[Kind, int] | None = None
        self._body_left = 0

    def took(self, count: int) -> None:
        """The shell has moved `count` bytes of the body that `wants` offered."""
        if not 0 <= count <= self._body_left:
            raise ValueError(f"{count} bytes were moved where {self._body_left} were due")
        self._body_left -= count

    def segment(self, count: int) -> bytes:
        """The header of a DATA segment; the `count` raw bytes follow it."""
        self._may_send_segment()
        if not 0 < count <= SEGMENT_LIMIT:
            raise ValueError(f"a segment holds 1 to {SEGMENT_LIMIT} bytes, not {count}")
        return pack(Kind.DATA, count)

    def _may_send_segment(self) -> None:
        raise NotImplementedError

    def _want_message(self) -> Want:
        return Exactly(self._expecting[1] if self._expecting else HEADER_SIZE)

    def _want_segment(self) -> Want:
        if self._body_left:
            return Body(self._body_left)
        return self._want_message()

    def _receive_message(self, data: bytes, limit: int) -> bytes | None:
        """The body of a message once it is whole."""
        if self._expecting is None:
            self._expecting = (Kind.MESSAGE, unpack_message(data, limit))
            return None
        self._expecting = None
        return data

    def _receive_segment(self, data: bytes) -> End | Aborted | None:
        if self._expecting is None:
            kind, length = unpack_segment(data, SEGMENT_LIMIT, self.limits.before_auth)
            if kind is Kind.DATA:
                self._body_left = length
            else:
                self._expecting = (kind, length)
            return None
        kind, _ = self._expecting
        self._expecting = None
        return decode_body(data, End) if kind is Kind.END else decode_body(data, Aborted)


class ServerConnection(_Conversation):
    """The server's end. One request at a time: the next is read when the last is answered."""

    def __init__(self, limits: FrameLimits | None = None, *, anonymous: bool = False) -> None:
        super().__init__(limits)
        self._owed: type[m.Request] | None = None
        self._anonymous = anonymous
        self.version = 1
        """1 or 2: which protocol the client speaks; 2 from the answer to HELLO on."""

    @property
    def body_left(self) -> int:
        """Bytes that are still due of a raw body or of the current segment."""
        return self._body_left

    @property
    def owes_reply(self) -> bool:
        """Whether the last request has no answer yet."""
        return self._owed is not None

    def wants(self) -> Want:
        """What to read next."""
        if self._owed is not None or self.state in (State.FLOW1, State.FLOW2, State.CLOSED):
            return None
        if self.state is State.BODY1:
            return Body(self._body_left) if self._body_left else None
        if self.state in (State.BODY2, State.PUT2, State.DRAIN2):
            return self._want_segment()
        return self._want_message()

    def receive(self, data: bytes) -> Event | None:
        """Take what `wants` asked for; returns what has become complete.

        Raises ProtocolError where the conversation can't go on (answer ERROR, then close)
        and BadRequest where just this request failed (answer ERROR, go on).
        """
        if self.state in (State.BODY2, State.PUT2, State.DRAIN2):
            return self._receive_towards_body(data)
        limit = self.limits.before_auth if self._outside else self.limits.after_auth
        raw = self._receive_message(data, limit)
        return self._request(raw) if raw is not None else None

    @property
    def _outside(self) -> bool:
        return self.state in states.OUTSIDE and not self._anonymous

    def _request(self, raw: bytes) -> m.Request:
        envelope = open_envelope(raw, self.limits.depth)
        known = states.COMMANDS[self.state]
        self._owed = m.Request
        form = known.get(envelope.command)
        if self._outside and form not in states.LOGINS:
            form = Unauthenticated
        elif form is None:
            raise BadRequest(
                f"The command {envelope.command[:40]!r} is not one of those that can be used here: "
                f"{states.known_commands(self.state)}."
            )
        request = Unauthenticated() if form is Unauthenticated else decode_data(envelope.data, form)
        self._owed = None if form in states.SILENT else form
        if isinstance(request, m.Put):
            self.state = State.PUT2
        return request

    def _receive_towards_body(self, data: bytes) -> Event | None:
        event = self._receive_segment(data)
        if event is not None and self.state is State.DRAIN2:
            self.state = State.IDLE2
            return None
        if self.state is State.PUT2 and event is not None:
            raise ProtocolError("A PUT's files end by their sizes, not by END or ABORT.")
        return event

    def put_done(self) -> None:
        """All bytes of the PUT's files were taken."""
        self._check(self.state is State.PUT2 and not self._body_left, "no PUT's body ends here")
        self.state = State.IDLE2

    def send(self, reply: m.Reply) -> bytes:
        """A reply as bytes. The answer to a request, the end of a body, or one that comes unasked."""
        if type(reply) in states.UNASKED:
            self._check(self.state in states.UNASKED[type(reply)], f"{reply.status} has no place here")
        elif self._owed is not None:
            self._answer(reply)
        elif self.state in states.FINALS:
            self._end_body(reply)
        else:
            self._check(self.state is State.CLOSED or isinstance(reply, m.Error), "nobody asked for a reply")
        return encode_reply(reply)

    def _answer(self, reply: m.Reply) -> None:
        owed, self._owed = self._owed or m.Request, None
        if isinstance(reply, m.AuthRequired):
            self.state = State.OUTSIDE2 if self.state is State.OUTSIDE2 else State.OUTSIDE1
        elif owed is m.Request:
            self._check(isinstance(reply, m.Error), "what was not understood gets ERROR")
        elif isinstance(reply, m.Welcome):
            self.version = VERSION
            self.state = State.IDLE2 if reply.authenticated else State.OUTSIDE2
        else:
            self.state = self._seat(_following(states.ANSWERS[owed], reply))

    def _seat(self, following: State) -> State:
        """Where nobody has to log in, an ERROR to a login does not put the caller outside."""
        if not self._anonymous:
            return following
        return {State.OUTSIDE1: State.IDLE1, State.OUTSIDE2: State.IDLE2}.get(following, following)

    def expect_raw(self, count: int) -> None:
        """After UploadReady or ResumeReady: how many raw bytes the client will send."""
        self._check(self.state is State.BODY1, "no raw body begins here")
        self._body_left = count

    def _end_body(self, reply: m.Reply) -> None:
        self.state = _following(states.FINALS[self.state], reply)

    def refuse_rest(self, reply: m.Reply) -> bytes:
        """Answer in the middle of a version 2 body; what still comes of it is thrown away."""
        self._check(self.state is State.BODY2, "no body is being received")
        self.state = State.DRAIN2
        return encode_reply(reply)

    def end(self, size: int, digest: str | None = None) -> bytes:
        """END of a download."""
        self._may_send_segment()
        self.state = State.IDLE2
        return encode_segment(Kind.END, End(size=size, digest=digest or msgspec.UNSET))

    def abort(self, code: str, message: str) -> bytes:
        """ABORT of a download: what was sent of it is not the whole."""
        self._may_send_segment()
        self.state = State.IDLE2
        return encode_segment(Kind.ABORT, Aborted(code=code, message=message))

    def flow_done(self) -> None:
        """All raw bytes of a version 1 download were sent."""
        self._check(self.state is State.FLOW1, "no raw download ends here")
        self.state = State.IDLE1

    def close(self) -> None:
        """Nothing more is read."""
        self._owed = None
        self.state = State.CLOSED

    def _may_send_segment(self) -> None:
        self._check(self.state is State.FLOW2, "no download is being sent")

    @staticmethod
    def _check(condition: bool, message: str) -> None:
        if not condition:
            raise RuntimeError(message)


class Unauthenticated(m.Request, frozen=True, kw_only=True):
    """Stands for any command of a caller who has not logged in; answered by AUTH_REQUIRED."""

    command = ""


def _following(table: Mapping[type[m.Reply], State], reply: m.Reply) -> State:
    """The state behind a reply; a reply without a place there is a fault of ours."""
    try:
        return table[type(reply)]
    except KeyError:
        raise RuntimeError(f"{type(reply).__name__} has no place here") from None


class ClientConnection(_Conversation):
    """The client's end, version 2. Requests may be pipelined; their replies come in order."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        super().__init__(limits)
        self._pending: deque[type[m.Request]] = deque()
        self._put_left = 0
        self.body_open = False
        """Whether an upload waits for its END or ABORT, also after the server has refused the rest."""

    @property
    def pending(self) -> int:
        """Requests that have no reply yet, PUT not counted."""
        return len(self._pending)

    def send(self, request: m.Request) -> bytes:
        """A request as bytes. Raises RuntimeError where a body is open."""
        if self.body_open or self._put_left or m.Upload in self._pending or m.Resume in self._pending:
            raise RuntimeError("a body is open: end it before the next request")
        if type(request) not in states.SILENT:
            self._pending.append(type(request))
        if isinstance(request, m.Put):
            self._put_left = sum(file.size for file in request.files)
        return encode_request(request)

    def wants(self) -> Want:
        """What to read next. A reply is always welcome: CHECKPOINT and RESULTS come by themselves."""
        return self._want_segment() if self.state is State.FLOW2 else self._want_message()

    def receive(self, data: bytes) -> Event | None:
        """Take what `wants` asked for; returns what has become complete. Raises ProtocolError."""
        if self.state is State.FLOW2:
            event = self._receive_segment(data)
            if event is not None:
                self.state = State.IDLE2
            return event
        raw = self._receive_message(data, self.limits.reply)
        return self._reply(raw) if raw is not None else None

    def _reply(self, raw: bytes) -> m.Reply:
        envelope = open_envelope(raw, self.limits.depth)
        form = self._form_of(envelope.status)
        if form is None:
            raise ProtocolError(f"The server answered {envelope.status[:40]!r}, which has no place here.")
        try:
            reply = decode_data(envelope.data, form)
        except BadRequest as error:
            raise ProtocolError(f"The server's reply is not understood: {error}") from None
        if form not in states.UNASKED:
            self._follow(reply)
        return reply

    def _form_of(self, status: str) -> type[m.Reply] | None:
        unasked = next((form for form in states.UNASKED if form.status == status), None)
        if unasked is not None:
            return unasked
        if self._pending and self.state not in states.FINALS:
            return states.reply_types(self._pending[0]).get(status)
        # The end of an upload, or the server's last word before it closes.
        finals = states.FINALS.get(self.state, {m.Error: State.CLOSED})
        return next((form for form in finals if form.status == status), None)

    def _follow(self, reply: m.Reply) -> None:
        if self.state in states.FINALS:
            self.state = states.FINALS[self.state][type(reply)]
        elif not self._pending:
            self.state = State.CLOSED
        else:
            self._follow_answer(self._pending.popleft(), reply)

    def _follow_answer(self, request: type[m.Request], reply: m.Reply) -> None:
        if isinstance(reply, m.Welcome):
            self.state = State.IDLE2 if reply.authenticated else State.OUTSIDE2
        elif isinstance(reply, m.AuthRequired):
            self.state = State.OUTSIDE2
        else:
            self.state = states.ANSWERS[request][type(reply)]
            self.body_open = isinstance(reply, m.Ready)

    def sent(self, count: int) -> None:
        """`count` bytes of a PUT's files went out behind their segment headers."""
        if count > self._put_left:
            raise ValueError("more bytes were sent than the PUT announced")
        self._put_left -= count

    def end(self, size: int, digest: str) -> bytes:
        """END of an upload: size and SHA-256 of the whole file, the resumed part included."""
        self._close_body()
        return encode_segment(Kind.END, End(size=size, digest=digest))

    def abort(self, code: str, message: str) -> bytes:
        """ABORT of an upload: the server keeps what came and answers `Done`, or nothing if it had refused."""
        self._close_body()
        return encode_segment(Kind.ABORT, Aborted(code=code, message=message))

    def _close_body(self) -> None:
        if not self.body_open:
            raise RuntimeError("no upload is open")
        self.body_open = False

    def _may_send_segment(self) -> None:
        if not (self.body_open or self._put_left):
            raise RuntimeError("no body is open")
