"""The two ends of one conversation, without I/O: bytes become events, messages become bytes.

Server and client are the two ends of the same tables (`states`); how the shell drives
them stands in `conversation`, whose names are to be had here too.
"""

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from fileshare.errors import BadRequest, ProtocolError, TooMany
from fileshare.wire import messages as m
from fileshare.wire import states
from fileshare.wire.codec import (
    decode_data,
    encode_list,
    encode_reply,
    encode_request,
    encode_segment,
    open_envelope,
    refuse_strangers,
)
from fileshare.wire.conversation import (
    SEGMENT_LIMIT,
    VERSION,
    Aborted,
    Body,
    Conversation,
    End,
    Event,
    Exactly,
    FrameLimits,
    Want,
)
from fileshare.wire.frames import HEADER_SIZE, Kind
from fileshare.wire.states import State

__all__ = [
    "SEGMENT_LIMIT",
    "VERSION",
    "Aborted",
    "Body",
    "ClientConnection",
    "End",
    "Event",
    "Exactly",
    "FrameLimits",
    "ServerConnection",
    "Unauthenticated",
    "Want",
]


class ServerConnection(Conversation):
    """The server's end. One request at a time: the next is read when the last is answered."""

    def __init__(self, limits: FrameLimits | None = None, *, anonymous: bool = False) -> None:
        super().__init__(limits)
        self._owed: type[m.Request] | None = None
        self._body_ended = False
        self._put_left = 0
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
        if self._owed is not None or self._body_ended or self.state in states.SPEAKING:
            return None
        if self.state is State.BODY1:
            return Body(self._body_left) if self._body_left else None
        if self.state is State.PUT2 and not self._put_left:
            return None
        if self.state in states.SEGMENTED:
            return self._want_segment()
        return self._want_message()

    def receive(self, data: bytes) -> Event | None:
        """Take what `wants` asked for; returns what has become complete.

        Raises ProtocolError where the conversation can't go on (answer ERROR, then close)
        and BadRequest where just this request failed (answer ERROR, go on).
        """
        self._check_length(data)
        if self.state in states.SEGMENTED:
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
        if form is Unauthenticated:
            request: m.Request = Unauthenticated()
        else:
            if form.protocol == VERSION:
                refuse_strangers(raw)
            request = decode_data(envelope.data, form)
        self._owed = None if form in states.SILENT else form
        if isinstance(request, m.Put):
            self._put_left = sum(file.size for file in request.files)
            self.state = State.PUT2
        return request

    def _receive_towards_body(self, data: bytes) -> Event | None:
        event = self._receive_segment(data)
        if self.state is State.PUT2 and self._body_left > self._put_left:
            raise ProtocolError("More bytes came than the PUT's files have.")
        if event is None:
            return None
        if self.state is State.PUT2:
            raise ProtocolError("A PUT's files end by their sizes, not by END or ABORT.")
        if self.state is State.DRAIN2:
            self.state = State.IDLE2
            return None
        self._body_ended = True
        return event

    def took(self, count: int) -> None:
        """The shell has moved `count` bytes of the body that `wants` offered."""
        super().took(count)
        if self.state is State.PUT2:
            self._put_left -= count

    def put_done(self) -> None:
        """All bytes of the PUT's files were taken."""
        self._check(self.state is State.PUT2 and not self._put_left, "no PUT's body ends here")
        self.state = State.IDLE2

    def send(self, reply: m.Reply) -> bytes:
        """A reply as bytes. The answer to a request, the end of a body, or one that comes unasked.

        Raises TooMany, with nothing changed, for an answer over the limit of replies.
        """
        frame = self._encoded(reply)
        if type(reply) in states.UNASKED:
            self._check(self.state in states.UNASKED[type(reply)], f"{reply.status} has no place here")
        elif self._owed is not None:
            self._answer(reply)
        elif self.state in states.FINALS:
            self._end_body(reply)
        else:
            _following(states.LAST_WORDS, reply)
            self.state = State.CLOSED
        return frame

    def send_list(self, pieces: Iterable[bytes]) -> list[bytes]:
        """The answer to version 1's LIST from pieces that were encoded, as pieces again. Raises as `send`."""
        frame = encode_list(pieces)
        self._check_size(sum(map(len, frame)))
        self._answer(m.FileList(files=[]))
        return frame

    def _encoded(self, reply: m.Reply) -> bytes:
        frame = encode_reply(reply)
        if type(reply) not in states.UNASKED:
            self._check_size(len(frame))
        return frame

    def _check_size(self, size: int) -> None:
        most = self.limits.page if self.version == VERSION else self.limits.reply
        if size > HEADER_SIZE + most:
            raise TooMany(f"The answer has more than {most} bytes: ask for less of it.")

    def _answer(self, reply: m.Reply) -> None:
        owed = self._owed or m.Request
        if isinstance(reply, m.AuthRequired):
            self.state = State.OUTSIDE2 if self.version == VERSION else State.OUTSIDE1
        elif owed is m.Request:
            self._check(isinstance(reply, m.Error), "what was not understood gets ERROR")
        else:
            following = _following(states.ANSWERS[owed], reply)
            if isinstance(reply, m.Welcome):
                self.version = VERSION
                following = State.IDLE2 if reply.authenticated else State.OUTSIDE2
            self.state = self._seat(following)
        self._owed = None

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
        """A final reply amid the body: version 2 throws the rest away, raw bytes have no end to find."""
        following = _following(states.FINALS[self.state], reply)
        if self.state is State.BODY2 and not self._body_ended:
            following = State.DRAIN2
        elif self.state is State.BODY1 and self._body_left:
            following = State.CLOSED
        self._body_ended = False
        self.state = following

    def refuse_rest(self, reply: m.Reply) -> bytes:
        """Answer in the middle of a version 2 body; what still comes of it is thrown away."""
        self._check(self.state is State.BODY2 and not self._body_ended, "no body is being received")
        return self.send(reply)

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


class ClientConnection(Conversation):
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
        self._check_length(data)
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
            return unasked if self.state in states.UNASKED[unasked] else None
        if self._pending and self.state not in states.FINALS:
            return states.reply_types(self._pending[0]).get(status)
        # The end of an upload, or the server's last word before it closes.
        finals = states.FINALS.get(self.state, states.LAST_WORDS)
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
