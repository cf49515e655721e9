"""Two real ends joined in memory, driven at random: they never misunderstand each other.

Requests are pipelined, replies come late, bytes arrive in pieces, bodies are ended,
given up and refused at any moment. Whatever happens, both hear what the other said, in
order, and agree on where they stand.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fileshare.wire import messages as m
from fileshare.wire import states
from fileshare.wire.connection import Aborted, ClientConnection, End, ServerConnection, Unauthenticated
from fileshare.wire.states import ANSWERS, State
from tests.wire.pump import Heard, Pump
from tests.wire.samples import REQUESTS, sample

ASKED = [form for form in REQUESTS if form.protocol == 2 and form not in (m.Hello, m.Put)]
REFUSAL = m.Error(code="no_space", message="full")


class TwoEnds(RuleBasedStateMachine):
    """A client and a server with a line between them."""

    def __init__(self) -> None:
        super().__init__()
        self.client = ClientConnection()
        self.server = ServerConnection()
        self.up = bytearray()
        self.down = bytearray()
        self.server_side = Pump(self.server)
        self.client_side = Pump(self.client)
        self.asked: list[Heard] = []
        self.answered: list[Heard] = []
        self.results_due = 0

    @initialize()
    def greet(self) -> None:
        self.ask(m.Hello(version_wanted=2))
        self.ask(sample(m.Login))

    # The client

    def ask(self, request: m.Request) -> None:
        self.up += self.client.send(request)
        self.asked.append(request)

    def may_ask(self) -> bool:
        waiting = {m.Upload, m.Resume} & set(self.client._pending)
        return not (self.client.body_open or self.client._put_left or waiting)

    @precondition(may_ask)
    @rule(form=st.sampled_from(ASKED))
    def request(self, form: type[m.Request]) -> None:
        self.ask(sample(form))

    @precondition(
        lambda self: self.may_ask() and self.client.state is State.IDLE2 and not self.client.pending
    )
    @rule(sizes=st.lists(st.integers(0, 9), max_size=3), cut=st.integers(1, 9))
    def put(self, sizes: list[int], cut: int) -> None:
        files = [m.PutFile(upload_id="0" * 16, path="x", size=size, digest="0" * 64) for size in sizes]
        self.ask(m.Put(files=files))
        body = b"p" * sum(sizes)
        for start in range(0, len(body), cut):
            piece = body[start : start + cut]
            self.up += self.client.segment(len(piece)) + piece
            self.client.sent(len(piece))
        self.note(self.asked, body)

    @precondition(lambda self: self.client.body_open)
    @rule(data=st.binary(min_size=1, max_size=9))
    def send_segment(self, data: bytes) -> None:
        self.up += self.client.segment(len(data)) + data
        self.note(self.asked, data)

    @precondition(lambda self: self.client.body_open)
    @rule(abort=st.booleans())
    def end_upload(self, abort: bool) -> None:
        if abort:
            self.up += self.client.abort("stopped", "by the user")
        else:
            self.up += self.client.end(5, "0" * 64)

    @staticmethod
    def note(heard: list[Heard], data: bytes) -> None:
        if data and heard and isinstance(heard[-1], bytes):
            heard[-1] += data
        elif data:
            heard.append(data)

    # The line

    @rule(count=st.integers(1, 400))
    def carry_up(self, count: int) -> None:
        self.server_side.feed(bytes(self.up[:count]))
        del self.up[:count]

    @rule(count=st.integers(1, 400))
    def carry_down(self, count: int) -> None:
        self.client_side.feed(bytes(self.down[:count]))
        del self.down[:count]

    # The server

    def say(self, reply: m.Reply) -> None:
        self.down += self.server.send(reply)
        self.answered.append(reply)
        self.server_side.feed(b"")

    def last_heard(self) -> Heard:
        return self.server_side.heard[-1]

    @precondition(lambda self: self.server.owes_reply)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        request = self.last_heard()
        if isinstance(request, Unauthenticated):
            self.say(m.AuthRequired())
            return
        assert isinstance(request, m.Request)
        forms = sorted(ANSWERS[type(request)], key=lambda form: form.__name__)
        reply = data.draw(
            st.sampled_from([form for form in forms if (type(request), form) != (m.Hello, m.Error)])
        )
        self.say(sample(reply))

    @precondition(lambda self: self.server.state is State.BODY2)
    @rule()
    def checkpoint(self) -> None:
        self.say(sample(m.Checkpoint))

    @precondition(lambda self: self.server.state is State.BODY2)
    @rule(data=st.data())
    def end_body(self, data: st.DataObject) -> None:
        if self.server.wants() is not None:
            self.down += self.server.refuse_rest(REFUSAL)
            self.answered.append(REFUSAL)
        else:
            finals = sorted(states.FINALS[State.BODY2], key=lambda form: form.__name__)
            self.say(sample(data.draw(st.sampled_from(finals))))
        self.server_side.feed(b"")

    @precondition(lambda self: self.server.state is State.PUT2 and self.server.wants() is None)
    @rule()
    def take_put(self) -> None:
        self.server.put_done()
        self.results_due += 1
        self.server_side.feed(b"")

    @precondition(lambda self: self.results_due and self.server.state in states.UNASKED[m.Results])
    @rule()
    def tell_results(self) -> None:
        self.results_due -= 1
        self.say(sample(m.Results))

    @precondition(lambda self: self.server.state is State.FLOW2)
    @rule(data=st.binary(min_size=1, max_size=9))
    def flow(self, data: bytes) -> None:
        self.down += self.server.segment(len(data)) + data
        self.note(self.answered, data)

    @precondition(lambda self: self.server.state is State.FLOW2)
    @rule(abort=st.booleans())
    def end_flow(self, abort: bool) -> None:
        if abort:
            self.down += self.server.abort("damaged", "damaged")
            self.answered.append(Aborted(code="damaged", message="damaged"))
        else:
            self.down += self.server.end(5)
            self.answered.append(End(size=5))
        self.server_side.feed(b"")

    # What must hold

    @invariant()
    def both_hear_what_was_said_in_order(self) -> None:
        said, heard = self.answered, self.client_side.heard
        assert heard[:-1] == said[: max(len(heard) - 1, 0)]
        requests = [event for event in self.asked if isinstance(event, m.Request)]
        taken = [event for event in self.server_side.heard if isinstance(event, m.Request)]
        for sent, came in zip(requests, taken, strict=False):
            assert came == sent or isinstance(came, Unauthenticated)

    def teardown(self) -> None:
        """Let everything arrive and be answered; then both stand in the same place."""
        while self.up or self.down or self.server.owes_reply or self.unfinished():
            self.carry_up(400)
            self.carry_down(400)
            if self.server.owes_reply:
                self.answer_plainly()
            elif self.unfinished():
                self.finish()
        assert self.server_side.unread == 0
        assert (self.client.pending, self.client.state) == (0, self.server.state)
        assert self.client_side.heard == self.answered

    def unfinished(self) -> bool:
        return self.client.body_open or self.server.state in (
            State.BODY2,
            State.PUT2,
            State.DRAIN2,
            State.FLOW2,
        )

    def answer_plainly(self) -> None:
        request = self.last_heard()
        if isinstance(request, m.Hello):
            self.say(sample(m.Welcome))
        else:
            self.say(m.AuthRequired() if isinstance(request, Unauthenticated) else REFUSAL)

    def finish(self) -> None:
        if self.server.state is State.FLOW2:
            self.end_flow(abort=False)
        elif self.server.state is State.PUT2 and self.server.wants() is None:
            self.take_put()
        elif self.client.body_open and not self.down:
            self.end_upload(abort=True)
        elif self.server.state is State.BODY2 and self.server.wants() is None:
            self.say(sample(m.Done))


TwoEnds.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTwoEnds = TwoEnds.TestCase
