"""The state table, walked whole: each end × each state × each message."""

import json
from collections.abc import Callable
from enum import Enum
from itertools import product
from typing import Any

import pytest

from fileshare.errors import BadRequest, ProtocolError
from fileshare.wire import codec, states
from fileshare.wire import messages as m
from fileshare.wire.connection import (
    ClientConnection,
    Exactly,
    ServerConnection,
    Unauthenticated,
)
from fileshare.wire.frames import HEADER_SIZE, Kind, pack
from fileshare.wire.states import ALLOWED, ANSWERS, FINALS, SILENT, UNASKED, State
from tests.wire.samples import REPLIES, REQUESTS, sample

COMMANDS = sorted({form.command for form in REQUESTS} | {"NONSENSE", "", "upload", "HELLO "})
VERSION2 = frozenset({State.OUTSIDE2, State.IDLE2, State.BODY2, State.PUT2, State.DRAIN2, State.FLOW2})
READING = frozenset({*ALLOWED, *states.SEGMENTED})


def name_of(value: Any) -> str:
    return value.name if isinstance(value, Enum) else getattr(value, "__name__", None) or str(value)


def server_in(state: State, *, anonymous: bool = False) -> ServerConnection:
    wire = ServerConnection(anonymous=anonymous)
    wire.state = state
    wire.version = 2 if state in VERSION2 else 1
    if state is State.PUT2:
        wire._put_left = 100
    return wire


def owing(state: State, request: type[m.Request]) -> ServerConnection:
    """A server that has taken a request in that state."""
    wire = server_in(state)
    hear(wire, codec.encode_request(sample(request)))
    return wire


def hear(wire: ServerConnection | ClientConnection, frame: bytes) -> object:
    assert wire.wants() == Exactly(HEADER_SIZE)
    assert wire.receive(frame[:HEADER_SIZE]) is None
    assert wire.wants() == Exactly(len(frame) - HEADER_SIZE)
    return wire.receive(frame[HEADER_SIZE:])


def framed(command: str, data: object) -> bytes:
    raw = json.dumps({"command": command, "data": data}).encode()
    return pack(Kind.MESSAGE, len(raw)) + raw


def data_for(form: type[m.Request] | None) -> object:
    return {} if form is None else json.loads(codec.encode_request(sample(form))[HEADER_SIZE:])["data"]


# The server hears


@pytest.mark.parametrize("anonymous", [False, True], ids=["login", "anonymous"])
@pytest.mark.parametrize(("state", "command"), list(product(ALLOWED, COMMANDS)), ids=name_of)
def test_a_server_takes_what_the_table_allows_and_nothing_else(
    state: State, command: str, anonymous: bool
) -> None:
    wire = server_in(state, anonymous=anonymous)
    form = next((one for one in ALLOWED[state] if one.command == command), None)
    outside = state in states.OUTSIDE and not anonymous
    frame = framed(command, data_for(form))
    if outside and form not in states.LOGINS:
        assert type(hear(wire, frame)) is Unauthenticated
    elif form is None:
        with pytest.raises(BadRequest, match="is not one of those"):
            hear(wire, frame)
    else:
        assert hear(wire, frame) == sample(form)
    assert wire.state is (State.PUT2 if form is m.Put and not outside else state)
    assert wire.owes_reply is (form not in SILENT or outside)


@pytest.mark.parametrize(
    ("state", "form"), list(product(sorted(states.SEGMENTED, key=str), REQUESTS)), ids=name_of
)
def test_a_message_amid_a_body_breaks_the_protocol(state: State, form: type[m.Request]) -> None:
    wire = server_in(state)
    with pytest.raises(ProtocolError, match="segment was due"):
        hear(wire, codec.encode_request(sample(form)))
    assert (wire.state, wire.owes_reply) == (state, False)


@pytest.mark.parametrize("state", [state for state in State if state not in READING], ids=name_of)
def test_a_server_that_has_the_word_reads_nothing(state: State) -> None:
    assert server_in(state).wants() is None


@pytest.mark.parametrize(("state", "kind"), list(product(ALLOWED, [Kind.DATA, Kind.END, Kind.ABORT])))
def test_a_segment_outside_a_body_breaks_the_protocol(state: State, kind: Kind) -> None:
    wire = server_in(state)
    with pytest.raises(ProtocolError, match="over the limit"):
        wire.receive(pack(kind, 1))
    assert wire.state is state


@pytest.mark.parametrize("kind", [Kind.END, Kind.ABORT])
def test_a_put_has_no_end_of_its_own(kind: Kind) -> None:
    wire = server_in(State.PUT2)
    body = b'{"size":1}' if kind is Kind.END else b'{"code":"a","message":"b"}'
    with pytest.raises(ProtocolError, match="end by their sizes"):
        hear(wire, pack(kind, len(body)) + body)
    assert wire.state is State.PUT2


# The server answers


@pytest.mark.parametrize("request_form", sorted(ANSWERS, key=name_of), ids=name_of)
def test_a_server_gives_only_answers_that_the_table_has(request_form: type[m.Request]) -> None:
    state = State.FRESH if request_form is m.Hello else [State.IDLE1, State.IDLE2][request_form.protocol - 1]
    for reply in REPLIES:
        wire, pair = owing(state, request_form), (request_form, reply)
        if reply in UNASKED and state in UNASKED[reply]:
            wire.send(sample(reply))
            assert (wire.state, wire.owes_reply) == (state, True), pair
        elif reply in ANSWERS[request_form] or reply is m.AuthRequired:
            wire.send(sample(reply))
            assert (wire.state, wire.owes_reply) == (following(request_form, reply), False), pair
        else:
            with pytest.raises(RuntimeError):
                wire.send(sample(reply))
            assert (wire.state, wire.owes_reply) == (state, True), pair


def following(request: type[m.Request], reply: type[m.Reply]) -> State:
    """The table, with the two rules beside it."""
    if reply is m.AuthRequired:
        return State.OUTSIDE2 if request.protocol == 2 and request is not m.Hello else State.OUTSIDE1
    if reply is m.Welcome:
        return State.IDLE2  # the sample says that it is authenticated
    return ANSWERS[request][reply]


@pytest.mark.parametrize("reply", REPLIES, ids=name_of)
@pytest.mark.parametrize("state", [State.FRESH, State.IDLE1, State.IDLE2], ids=name_of)
def test_what_was_not_understood_gets_an_error_and_changes_nothing(
    state: State, reply: type[m.Reply]
) -> None:
    wire = server_in(state, anonymous=True)
    with pytest.raises(BadRequest):
        hear(wire, framed("NONSENSE", {}))
    if reply is m.Error:
        wire.send(sample(reply))
        assert (wire.state, wire.owes_reply) == (state, False)
    elif reply is m.AuthRequired:
        wire.send(sample(reply))
        assert wire.state is (State.OUTSIDE2 if state is State.IDLE2 else State.OUTSIDE1)
    elif not (reply in UNASKED and state in UNASKED[reply]):
        with pytest.raises(RuntimeError):
            wire.send(sample(reply))
        assert (wire.state, wire.owes_reply) == (state, True)


@pytest.mark.parametrize(("state", "reply"), list(product(State, REPLIES)), ids=name_of)
def test_a_server_says_unasked_only_what_the_table_has(state: State, reply: type[m.Reply]) -> None:
    wire = server_in(state)
    if reply in UNASKED:
        allowed, after = state in UNASKED[reply], state
    elif state in FINALS:
        allowed = reply in FINALS[state]
        after = State.DRAIN2 if state is State.BODY2 else FINALS[state].get(reply, state)
    else:
        allowed, after = reply in states.LAST_WORDS, State.CLOSED
    if allowed:
        wire.send(sample(reply))
        assert wire.state is after
    else:
        with pytest.raises(RuntimeError):
            wire.send(sample(reply))
        assert wire.state is state


@pytest.mark.parametrize("reply", sorted(FINALS[State.BODY2], key=name_of), ids=name_of)
@pytest.mark.parametrize("kind", [Kind.END, Kind.ABORT])
def test_after_the_end_of_a_body_only_its_final_reply_goes_on(kind: Kind, reply: type[m.Reply]) -> None:
    wire = server_in(State.BODY2)
    body = b'{"size":1}' if kind is Kind.END else b'{"code":"a","message":"b"}'
    assert hear(wire, pack(kind, len(body)) + body) is not None
    assert (wire.state, wire.wants()) == (State.BODY2, None)
    with pytest.raises(RuntimeError):
        wire.refuse_rest(m.Error(code="a", message="b"))
    wire.send(sample(reply))
    assert (wire.state, wire.wants()) == (State.IDLE2, Exactly(HEADER_SIZE))


@pytest.mark.parametrize("kind", [Kind.END, Kind.ABORT])
def test_a_refused_body_is_thrown_away_up_to_its_end(kind: Kind) -> None:
    wire = server_in(State.BODY2)
    wire.refuse_rest(m.Error(code="a", message="b"))
    after_refusal = wire.state
    wire.receive(pack(Kind.DATA, 5))
    wire.took(5)
    body = b'{"size":1}' if kind is Kind.END else b'{"code":"a","message":"b"}'
    assert hear(wire, pack(kind, len(body)) + body) is None
    assert (after_refusal, wire.state) == (State.DRAIN2, State.IDLE2)


def test_what_is_left_of_a_refused_raw_body_is_never_read_as_messages() -> None:
    wire = server_in(State.BODY1)
    wire.expect_raw(10)
    wire.took(9)
    wire.send(m.Error(code="no_space", message="full"))
    assert (wire.state, wire.wants()) == (State.CLOSED, None)


def test_a_drained_raw_body_leaves_the_connection_usable() -> None:
    wire = server_in(State.BODY1)
    wire.expect_raw(10)
    wire.took(10)
    wire.send(m.Error(code="no_space", message="full"))
    assert (wire.state, wire.wants()) == (State.IDLE1, Exactly(HEADER_SIZE))


@pytest.mark.parametrize("state", list(State), ids=name_of)
def test_only_a_download_is_sent_and_only_it_ends(state: State) -> None:
    acts: list[Callable[[ServerConnection], bytes]] = [
        lambda wire: wire.segment(5),
        lambda wire: wire.end(5, "0" * 64),
        lambda wire: wire.abort("damaged", "damaged"),
    ]
    for act in acts:
        wire = server_in(state)
        if state is State.FLOW2:
            act(wire)
            assert wire.state in (State.FLOW2, State.IDLE2)
        else:
            with pytest.raises(RuntimeError):
                act(wire)
            assert wire.state is state


@pytest.mark.parametrize("state", [state for state in State if state is not State.FLOW1], ids=name_of)
def test_a_raw_download_ends_only_where_one_runs(state: State) -> None:
    with pytest.raises(RuntimeError):
        server_in(state).flow_done()


@pytest.mark.parametrize("state", [state for state in State if state is not State.BODY1], ids=name_of)
def test_a_raw_body_begins_only_after_its_ready(state: State) -> None:
    with pytest.raises(RuntimeError):
        server_in(state).expect_raw(5)


# Where nobody has to log in


@pytest.mark.parametrize("state", [State.FRESH, State.IDLE1], ids=name_of)
def test_an_anonymous_caller_is_not_thrown_out_by_a_wrong_password_of_version_1(state: State) -> None:
    wire = server_in(state, anonymous=True)
    hear(wire, codec.encode_request(sample(m.Auth)))
    wire.send(sample(m.AuthFailed))
    assert wire.state is State.IDLE1


def test_an_anonymous_caller_is_not_thrown_out_by_a_wrong_password_of_version_2() -> None:
    wire = server_in(State.IDLE2, anonymous=True)
    hear(wire, codec.encode_request(sample(m.Login)))
    wire.send(sample(m.AuthFailed))
    assert wire.state is State.IDLE2


def test_an_ended_session_stays_in_its_version() -> None:
    wire = owing(State.IDLE2, m.Stat)
    wire.send(sample(m.AuthRequired))
    assert (wire.state, wire.version) == (State.OUTSIDE2, 2)
    assert isinstance(hear(wire, codec.encode_request(sample(m.Login))), m.Login)


# The client hears


def client_in(state: State, *pending: type[m.Request]) -> ClientConnection:
    wire = ClientConnection()
    for form in pending:
        wire.send(sample(form))
    wire.state = state
    return wire


VERSION2_REQUESTS = [form for form in REQUESTS if form.protocol == 2 and form not in SILENT]


@pytest.mark.parametrize("request_form", VERSION2_REQUESTS, ids=name_of)
def test_a_client_takes_only_answers_that_the_table_has(request_form: type[m.Request]) -> None:
    for reply in REPLIES:
        wire, pair = client_in(State.IDLE2, request_form), (request_form, reply)
        frame = codec.encode_reply(sample(reply))
        form = states.reply_types(request_form).get(reply.status)
        if reply is m.Results:
            assert hear(wire, frame) == sample(reply)
            assert (wire.state, wire.pending) == (State.IDLE2, 1), pair
        elif form is reply:
            assert hear(wire, frame) == sample(reply)
            after = State.OUTSIDE2 if reply is m.AuthRequired else following(request_form, reply)
            assert (wire.state, wire.pending) == (after, 0), pair
        elif form is None:
            with pytest.raises(ProtocolError, match="no place here"):
                hear(wire, frame)
            assert (wire.state, wire.pending) == (State.IDLE2, 1), pair
        else:
            _hear_another_form(wire, frame, form)


def _hear_another_form(wire: ClientConnection, frame: bytes, form: type[m.Reply]) -> None:
    """The right status with another reply's data: some forms have no field that must be there."""
    try:
        assert type(hear(wire, frame)) is form
    except ProtocolError as error:
        assert "not understood" in error.message
        assert (wire.state, wire.pending) == (State.IDLE2, 1)


@pytest.mark.parametrize(
    ("state", "reply"),
    list(product([State.FRESH, State.OUTSIDE2, State.IDLE2, State.BODY2, State.CLOSED], REPLIES)),
    ids=name_of,
)
def test_a_client_hears_unasked_only_what_the_table_has(state: State, reply: type[m.Reply]) -> None:
    wire = client_in(state)
    frame = codec.encode_reply(sample(reply))
    if reply in UNASKED:
        allowed, after = state in UNASKED[reply], state
    else:
        table = FINALS.get(state, states.LAST_WORDS)
        allowed = any(form.status == reply.status for form in table)
        after = table.get(reply, state)
    if not allowed:
        with pytest.raises(ProtocolError, match="no place here"):
            hear(wire, frame)
        assert wire.state is state
    elif reply in UNASKED or reply in FINALS.get(state, states.LAST_WORDS):
        assert hear(wire, frame) == sample(reply)
        assert wire.state is after


@pytest.mark.parametrize("request_form", [*VERSION2_REQUESTS, m.Put], ids=name_of)
def test_a_client_asks_nothing_while_its_body_is_open(request_form: type[m.Request]) -> None:
    wire = client_in(State.IDLE2, m.Upload)
    with pytest.raises(RuntimeError, match="body is open"):
        wire.send(sample(request_form))
    hear(wire, codec.encode_reply(sample(m.Ready)))
    with pytest.raises(RuntimeError, match="body is open"):
        wire.send(sample(request_form))
    wire.end(5, "0" * 64)
    wire.send(sample(request_form))


@pytest.mark.parametrize("request_form", [*VERSION2_REQUESTS, m.Put], ids=name_of)
def test_a_client_closes_a_refused_body_before_it_asks_again(request_form: type[m.Request]) -> None:
    wire = client_in(State.IDLE2, m.Upload)
    hear(wire, codec.encode_reply(sample(m.Ready)))
    hear(wire, codec.encode_reply(m.Error(code="no_space", message="full")))
    assert (wire.state, wire.body_open) == (State.IDLE2, True)
    with pytest.raises(RuntimeError, match="body is open"):
        wire.send(sample(request_form))
    wire.abort("no_space", "full")
    wire.send(sample(request_form))
    with pytest.raises(RuntimeError, match="no upload is open"):
        wire.abort("no_space", "full")


def test_a_client_sends_no_more_of_a_put_than_it_announced() -> None:
    wire = client_in(State.IDLE2)
    wire.send(sample(m.Put))  # one file of two bytes
    wire.segment(2)
    with pytest.raises(ValueError, match="more bytes"):
        wire.sent(3)
    wire.sent(2)
    with pytest.raises(RuntimeError, match="no body"):
        wire.segment(1)


# The tables themselves


def test_every_request_has_a_place_and_answers() -> None:
    assert set().union(*ALLOWED.values()) == set(REQUESTS)
    assert set(ANSWERS) | SILENT == set(REQUESTS)
    assert not set(ANSWERS) & SILENT


def test_every_reply_has_a_place() -> None:
    placed = {reply for answers in [*ANSWERS.values(), *FINALS.values()] for reply in answers}
    assert placed | set(UNASKED) | {m.AuthRequired} == set(REPLIES)


def test_every_state_is_reached() -> None:
    reached = {state for answers in [*ANSWERS.values(), *FINALS.values()] for state in answers.values()}
    assert reached | {State.FRESH, State.PUT2, State.DRAIN2} == set(State)


def test_no_status_means_two_things_in_one_place() -> None:
    for form, answers in ANSWERS.items():
        assert len({reply.status for reply in answers}) == len(answers), form
    for finals in FINALS.values():
        assert len({reply.status for reply in finals}) == len(finals)
    assert all(reply.status not in ("OK", "ERROR") for reply in UNASKED)


def test_versions_share_no_state_but_the_first() -> None:
    for state, forms in ALLOWED.items():
        assert state is State.FRESH or len({form.protocol for form in forms}) == 1
