"""A shell without a network: it does what `wants` says, with bytes in pieces of any size."""

from collections.abc import Callable

from fileshare.errors import BadRequest
from fileshare.wire import messages as m
from fileshare.wire.connection import Body, ClientConnection, Event, Exactly, ServerConnection
from fileshare.wire.states import State

Heard = Event | bytes


class Pump:
    """One end with its incoming bytes. Events and runs of body bytes are kept in `heard`, in order."""

    def __init__(self, wire: ServerConnection | ClientConnection) -> None:
        self.wire = wire
        self.heard: list[Heard] = []
        self._incoming = bytearray()

    def feed(self, data: bytes) -> None:
        """Take some bytes off the line and go as far as they reach."""
        self._incoming += data
        while self._step():
            pass

    @property
    def unread(self) -> int:
        """Bytes that the end has not asked for."""
        return len(self._incoming)

    def _step(self) -> bool:
        want = self.wire.wants()
        if isinstance(want, Body):
            return self._move(min(want.count, len(self._incoming)))
        if not isinstance(want, Exactly) or len(self._incoming) < want.count:
            return False
        try:
            event = self.wire.receive(self._take(want.count))
        except BadRequest as error:
            self.on_bad_request(error)
            return True
        if event is not None:
            self.heard.append(event)
            self.on_event(event)
        return True

    def _move(self, count: int) -> bool:
        if not count:
            return False
        data = self._take(count)
        self.wire.took(count)
        if self.heard and isinstance(self.heard[-1], bytes):
            self.heard[-1] += data
        else:
            self.heard.append(data)
        self.on_body()
        return True

    def _take(self, count: int) -> bytes:
        data = bytes(self._incoming[:count])
        del self._incoming[:count]
        return data

    def on_event(self, event: Event) -> None:
        """A message has become whole."""

    def on_body(self) -> None:
        """Bytes of a body were moved."""

    def on_bad_request(self, error: BadRequest) -> None:
        """A request was not understood."""
        raise error


class ServerPump(Pump):
    """A server that answers each event by `answers`; its bytes for the client are in `said`."""

    wire: ServerConnection

    def __init__(
        self,
        wire: ServerConnection,
        answers: Callable[["ServerPump", Event], None],
        *,
        forgiving: bool = False,
    ) -> None:
        super().__init__(wire)
        self.said = bytearray()
        self.forgiving = forgiving
        self.answers = answers

    def say(self, *replies: m.Reply) -> None:
        """Send replies."""
        for reply in replies:
            self.said += self.wire.send(reply)

    def on_event(self, event: Event) -> None:
        self.answers(self, event)
        self.end_body()

    def on_body(self) -> None:
        self.end_body()

    def on_bad_request(self, error: BadRequest) -> None:
        if not self.forgiving:
            raise error
        self.say(m.Error(code=error.code, message=error.message))

    def end_body(self) -> None:
        """A whole raw body is stored, and a whole PUT too."""
        if self.wire.state is State.BODY1 and not self.wire.body_left:
            self.say(m.UploadDone(filename="x.bin", size=1, hash="0" * 64))
        elif self.wire.state is State.PUT2 and self.wire.wants() is None:
            self.wire.put_done()
            self.say(m.Results(results=[m.PutResult(upload_id="0" * 16, path="x", version=1)]))
