"""Nonsense from the other side: it never raises anything but ProtocolError and BadRequest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fileshare.errors import ProtocolError
from fileshare.wire import codec
from fileshare.wire import messages as m
from fileshare.wire.connection import ClientConnection, Event, ServerConnection
from fileshare.wire.frames import Kind, pack
from fileshare.wire.states import State
from tests.wire.pump import Pump, ServerPump
from tests.wire.samples import REPLIES, REQUESTS, sample
from tests.wire.test_states import VERSION2_REQUESTS, client_in, server_in
from tests.wire.transcripts import VERSION_1, VERSION_2, Answers, answer_1, answer_2, client_transcript

FRAMES = [codec.encode_request(sample(form)) for form in REQUESTS] + [
    codec.encode_reply(sample(form)) for form in REPLIES
]


def _frame(kind: int, body: bytes) -> bytes:
    return pack(Kind(kind), len(body)) + body


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted({form.command for form in REQUESTS} | {form.status for form in REPLIES}))
MESSAGES = st.fixed_dictionaries({}, optional={"command": NAMES, "status": NAMES, "data": JSON, "x": JSON})
PIECES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(FRAMES),
    st.builds(_frame, st.integers(0, 3), st.binary(max_size=30)),
    st.builds(_frame, st.just(0), st.one_of(MESSAGES, JSON).map(lambda value: json.dumps(value).encode())),
    st.builds(_frame, st.integers(2, 3), JSON.map(lambda value: json.dumps(value).encode())),
)
INPUT = st.lists(PIECES, max_size=6).map(b"".join)


def feed(pump: Pump, data: bytes) -> bool:
    """Whether the conversation goes on; every other failure is ours and fails the test."""
    try:
        pump.feed(data)
    except ProtocolError as error:
        assert len(error.message) < 1000
        return False
    return True


@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
@settings(max_examples=40)
@given(data=INPUT, anonymous=st.booleans())
def test_a_server_survives_any_input(state: State, data: bytes, anonymous: bool) -> None:
    wire = server_in(state, anonymous=anonymous)
    feed(ServerPump(wire, lambda pump, event: None, forgiving=True), data)
    assert wire.state in State


@given(data=INPUT, answers=st.sampled_from([answer_1, answer_2]))
def test_an_answering_server_survives_any_input(data: bytes, answers: Answers) -> None:
    wire = ServerConnection(anonymous=True)
    feed(ServerPump(wire, lambda pump, event: _answer(pump, event, answers), forgiving=True), data)
    wire.close()
    assert wire.wants() is None


def _answer(pump: ServerPump, event: Event, answers: Answers) -> None:
    """By the script, or where it has no word for that, by an ERROR."""
    answers(pump, event)
    if pump.wire.owes_reply:
        pump.say(m.Error(code="conflict", message="no"))


@given(
    said=st.sampled_from([(VERSION_1, answer_1), (VERSION_2, answer_2)]),
    at=st.integers(0, 5000),
    wrong=st.binary(min_size=1, max_size=12),
    insert=st.booleans(),
)
def test_a_server_survives_a_good_conversation_with_a_few_bytes_wrong(
    said: tuple[bytes, Answers], at: int, wrong: bytes, insert: bool
) -> None:
    good, answers = said
    at %= len(good)
    data = good[:at] + wrong + good[at if insert else at + len(wrong) :]
    server = ServerPump(ServerConnection(), answers, forgiving=True)
    if not feed(server, data):
        server.wire.close()
        server.say(m.Error(code="protocol", message="nonsense"))


@given(
    data=INPUT, pending=st.lists(st.sampled_from(VERSION2_REQUESTS), max_size=4), state=st.sampled_from(State)
)
def test_a_client_survives_any_input(data: bytes, pending: list[type[m.Request]], state: State) -> None:
    open_bodies = [form for form in pending if form in (m.Upload, m.Resume)]
    wire = client_in(state, *[form for form in pending if form not in open_bodies], *open_bodies[:1])
    feed(Pump(wire), data)


@given(at=st.integers(0, 5000), wrong=st.binary(min_size=1, max_size=12), insert=st.booleans())
def test_a_client_survives_good_replies_with_a_few_bytes_wrong(at: int, wrong: bytes, insert: bool) -> None:
    good, _ = client_transcript()
    at %= len(good)
    wire = ClientConnection()
    wire.state = State.IDLE2
    for form in (m.Have, m.Stat, m.Move, m.Download, m.Delete):
        wire.send(sample(form))
    feed(Pump(wire), good[:at] + wrong + good[at if insert else at + len(wrong) :])
