"""One conversation: the same bytes mean the same, in whatever pieces they come."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.errors import BadRequest
from fileshare.wire import messages as m
from fileshare.wire.connection import (
    SEGMENT_LIMIT,
    Body,
    ClientConnection,
    Event,
    Exactly,
    ServerConnection,
)
from fileshare.wire.frames import HEADER_SIZE, Kind, pack
from fileshare.wire.states import State
from tests.wire.pump import Heard, Pump, ServerPump
from tests.wire.samples import sample
from tests.wire.transcripts import (
    ID,
    VERSION_1,
    VERSION_1_HEARD,
    VERSION_2,
    VERSION_2_HEARD,
    Answers,
    D,
    answer_1,
    answer_2,
    client_transcript,
    logged_in_1,
    logged_in_2,
    message,
    outside,
    serve,
    small,
)

TRANSCRIPTS = [
    pytest.param(VERSION_1, answer_1, VERSION_1_HEARD, State.IDLE1, id="version 1"),
    pytest.param(VERSION_2, answer_2, VERSION_2_HEARD, State.OUTSIDE2, id="version 2"),
]


@pytest.mark.parametrize(("said", "answers", "heard", "state"), TRANSCRIPTS)
def test_a_server_hears_the_same_wherever_its_input_is_split(
    said: bytes, answers: Answers, heard: list[Heard], state: State
) -> None:
    whole = serve([said], answers)
    assert whole.heard == heard
    for at in range(len(said) + 1):
        server = serve([said[:at], said[at:]], answers)
        assert (server.heard, server.said, server.unread) == (heard, whole.said, 0), at
        assert server.wire.state is state


@pytest.mark.parametrize(("said", "answers", "heard", "state"), TRANSCRIPTS)
def test_a_server_hears_the_same_byte_by_byte(
    said: bytes, answers: Answers, heard: list[Heard], state: State
) -> None:
    server = serve([said[at : at + 1] for at in range(len(said))], answers)
    assert (server.heard, server.wire.state) == (heard, state)


def listen(pieces: list[bytes]) -> Pump:
    """The client of VERSION_2, which said everything it could at once."""
    client = ClientConnection()
    pump = Pump(client)
    client.send(m.Hello(version_wanted=2))
    client.send(m.Login(token="t"))
    client.send(m.Upload(upload_id=ID, path="x", size=11))
    said = iter(pieces)
    _hear_until(pump, said, m.Ready)
    client.end(11, D)
    client.send(m.Put(files=[small("a", 3), small("b", 0), small("c", 4)]))
    client.sent(7)
    client.send(m.Put(files=[small("d", 0)]))
    client.send(m.Download(path="x", offset=3))
    client.send(m.Upload(upload_id=ID, path="refused"))
    _hear_until(pump, said, m.Error)
    client.abort("no_space", "full")
    client.send(m.Upload(upload_id=ID, path="stopped"))
    _hear_until(pump, said, m.Checkpoint)
    client.abort("stopped", "by the user")
    client.send(m.Stat(path="x"))
    client.send(m.Logout())
    for piece in said:
        pump.feed(piece)
    return pump


def _hear_until(pump: Pump, pieces: Iterator[bytes], last: type[Event]) -> None:
    """Feed until that reply has come; what is said in advance of it is ours to know."""
    seen = len(pump.heard)
    for piece in pieces:
        pump.feed(piece)
        if any(isinstance(event, last) for event in pump.heard[seen:]):
            return
    raise AssertionError(f"{last} never came")


def test_a_client_that_says_all_it_can_at_once_hears_each_reply_byte_by_byte() -> None:
    said = bytes(serve([VERSION_2], answer_2).said)
    expected = listen([said[at : at + 1] for at in range(len(said))])
    assert isinstance(expected.wire, ClientConnection)
    assert (expected.wire.state, expected.wire.pending) == (State.OUTSIDE2, 0)
    kinds = " ".join(type(event).__name__ for event in expected.heard)
    assert kinds == (
        "Welcome AuthSuccess Ready Checkpoint Stored Results Results DownloadBegin bytes End "
        "Ready Error Ready Checkpoint Done EntryInfo Done"
    )
    assert expected.heard[8] == b"lo world"


def asking_client() -> Pump:
    client = ClientConnection()
    client.state = State.IDLE2
    for form in (m.Have, m.Stat, m.Move, m.Download, m.Delete):
        client.send(sample(form))
    return Pump(client)


def test_a_client_hears_pipelined_replies_wherever_they_are_split() -> None:
    said, heard = client_transcript()
    for at in range(len(said) + 1):
        client = asking_client()
        client.feed(said[:at])
        client.feed(said[at:])
        assert (client.heard, client.unread) == (heard, 0), at
        assert client.wire.state is State.IDLE2


@given(st.data())
def test_a_client_hears_the_same_in_any_pieces(data: st.DataObject) -> None:
    said, heard = client_transcript()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(said)))))
    client = asking_client()
    for start, stop in zip([0, *cuts], [*cuts, len(said)], strict=True):
        client.feed(said[start:stop])
    assert client.heard == heard


# What a shell must not do


def test_a_shell_that_hands_over_other_bytes_than_asked_is_told() -> None:
    wire = ServerConnection()
    for data in (b"", b"1234567", b"123456789"):
        with pytest.raises(ValueError, match="handed over"):
            wire.receive(data)
    assert wire.wants() == Exactly(HEADER_SIZE)


def test_a_shell_that_moves_more_than_is_due_is_told() -> None:
    server = ServerPump(logged_in_1(), answer_1)
    server.feed(message("UPLOAD", filename="x", file_size=5, file_hash=D))
    for count in (6, -1):
        with pytest.raises(ValueError, match="were due"):
            server.wire.took(count)
    with pytest.raises(ValueError, match="handed over"):
        server.wire.receive(b"01234567")
    assert server.wire.wants() == Body(5)


@pytest.mark.parametrize("count", [0, -1, SEGMENT_LIMIT + 1])
def test_a_segment_that_the_other_end_would_refuse_is_not_sent(count: int) -> None:
    client = ClientConnection()
    client.state, client.body_open = State.BODY2, True
    with pytest.raises(ValueError, match="a segment holds"):
        client.segment(count)


# HELLO


def test_hello_is_only_valid_first() -> None:
    server = ServerPump(logged_in_1(), answer_1)
    with pytest.raises(BadRequest, match="HELLO"):
        server.feed(message("HELLO", version=2))
    server = ServerPump(logged_in_2(), answer_2)
    with pytest.raises(BadRequest, match="HELLO"):
        server.feed(message("HELLO", version=2))


@pytest.mark.parametrize("server", [outside, logged_in_2], ids=["HELLO", "STAT"])
def test_version_2_refuses_unknown_neighbours_of_data_and_stays_usable(
    server: Callable[[], ServerConnection],
) -> None:
    wire = server()
    pump = ServerPump(wire, answer_2, forgiving=True)
    command, data = ("HELLO", b'{"version":2}') if wire.version == 1 else ("STAT", b'{"path":"x"}')
    raw = b'{"command":"%s","data":%s,"id":7}' % (command.encode(), data)
    pump.feed(pack(Kind.MESSAGE, len(raw)) + raw)
    assert b"unknown field `id`" in pump.said
    assert not pump.heard
    pump.feed(message(command, **json.loads(data)))
    assert len(pump.heard) == 1


def test_version_1_ignores_unknown_fields_everywhere() -> None:
    raw = b'{"id":7,"command":"AUTH","data":{"username":"a","password":"b","otp":[{}]}}'
    assert serve([pack(Kind.MESSAGE, len(raw)) + raw], answer_1).heard == [m.Auth(username="a", password="b")]


def test_confirm_is_an_error_in_version_2() -> None:
    server = ServerPump(logged_in_2(), answer_2)
    with pytest.raises(BadRequest, match="DOWNLOAD_CONFIRM"):
        server.feed(message("DOWNLOAD_CONFIRM"))


def test_confirm_sent_amid_a_download_is_read_after_it_and_not_answered() -> None:
    wire = logged_in_1()
    server = ServerPump(wire, lambda pump, event: None)
    server.feed(message("DOWNLOAD", filename="x"))
    server.say(m.DownloadReady(filename="x", file_size=3, file_hash=D, start_byte=0))
    server.feed(message("DOWNLOAD_CONFIRM"))
    assert wire.wants() is None
    wire.flow_done()
    server.feed(b"")
    assert (server.heard[-1], wire.owes_reply, wire.state) == (m.DownloadConfirm(), False, State.IDLE1)


# The users' document's example flow


def test_the_documented_flow_byte_for_byte() -> None:
    wire = logged_in_1()
    server = ServerPump(wire, lambda pump, event: None)
    request = (
        b'{"command": "UPLOAD", "data": {"filename": "example.txt", "file_size": 4, "file_hash": "%s"}}'
        % D.encode()
    )
    server.feed(len(request).to_bytes(8) + request)
    server.say(m.UploadReady(temp_id="example.txt"))
    wire.expect_raw(4)
    reply = b'{"status":"OK","data":{"ready":true,"temp_id":"example.txt"}}'
    assert server.said == len(reply).to_bytes(8) + reply
    server.said.clear()
    server.answers = answer_1
    wire.took(4)
    server.say(m.UploadDone(filename="example.txt", size=4, hash=D))
    assert json.loads(server.said[8:]) == {
        "status": "OK",
        "data": {"message": "Upload successful", "filename": "example.txt", "size": 4, "hash": D},
    }
