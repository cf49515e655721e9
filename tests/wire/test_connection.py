"""One conversation: bytes in any pieces, two real ends joined in memory, and the limits of frames."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.errors import BadRequest, ProtocolError, TooMany
from fileshare.wire import codec
from fileshare.wire import messages as m
from fileshare.wire.connection import (
    SEGMENT_LIMIT,
    Aborted,
    Body,
    ClientConnection,
    End,
    Event,
    Exactly,
    FrameLimits,
    ServerConnection,
)
from fileshare.wire.frames import HEADER_SIZE, Kind, pack
from fileshare.wire.states import State
from tests.wire.pump import Heard, Pump, ServerPump
from tests.wire.samples import sample

D = "ab" * 32
ID = "upload-0123456789"
WELCOME = m.Welcome(
    version=2,
    server="test",
    features=["put"],
    limits=m.Limits(frame=65536, segment=SEGMENT_LIMIT, put_size=100, window_uploads=8, window_bytes=1000),
    authenticated=False,
)


def message(command: str, **data: object) -> bytes:
    raw = json.dumps({"command": command, "data": data}).encode()
    return pack(Kind.MESSAGE, len(raw)) + raw


def segment(data: bytes) -> bytes:
    return pack(Kind.DATA, len(data)) + data


def small(name: str, size: int) -> m.PutFile:
    return m.PutFile(upload_id=f"{name:0>16}", path=name, size=size, digest=D)


VERSION_1 = b"".join(
    [
        message("AUTH", username="anna", password="secret"),
        message("LIST"),
        message("UPLOAD", filename="x.bin", file_size=11, file_hash=D),
        b"hello world",
        message("UPLOAD", filename="empty", file_size=0, file_hash=D, overwrite=True),
        message("RESUME", filename="x.bin", file_hash=D),
        b"world",
        message("DOWNLOAD", filename="x.bin", start_byte=3),
        message("DOWNLOAD_CONFIRM"),
        message("NONSENSE", x=1),
        message("LIST"),
    ]
)

VERSION_1_HEARD: list[Heard] = [
    m.Auth(username="anna", password="secret"),
    m.ListFiles(),
    m.UploadFile(filename="x.bin", file_size=11, file_hash=D),
    b"hello world",
    m.UploadFile(filename="empty", file_size=0, file_hash=D, overwrite=True),
    m.ResumeUpload(filename="x.bin", file_hash=D),
    b"world",
    m.DownloadFile(filename="x.bin", start_byte=3),
    m.DownloadConfirm(),
    m.ListFiles(),
]


def answer_1(server: ServerPump, event: Event) -> None:
    """A server of version 1 that has one file."""
    match event:
        case m.Auth():
            server.say(m.AuthSuccess(role="user"))
        case m.ListFiles():
            server.say(m.FileList(files=[]))
        case m.UploadFile(file_size=size):
            server.say(m.UploadReady(temp_id="1"))
            server.wire.expect_raw(size)
        case m.ResumeUpload():
            server.say(m.ResumeReady(bytes_received=6, file_size=11))
            server.wire.expect_raw(5)
        case m.DownloadFile():
            server.say(m.DownloadReady(filename="x.bin", file_size=11, file_hash=D, start_byte=3))
            server.said += b"lo world"
            server.wire.flow_done()


VERSION_2 = b"".join(
    [
        message("HELLO", version=2, features=["x"]),
        message("AUTH", token="t"),
        message("UPLOAD", upload_id=ID, path="x", size=11),
        segment(b"hello"),
        segment(b" world"),
        pack(Kind.END, len(b'{"size":11}')) + b'{"size":11}',
        codec.encode_request(m.Put(files=[small("a", 3), small("b", 0), small("c", 4)])),
        segment(b"aaac"),
        segment(b"ccc"),
        codec.encode_request(m.Put(files=[small("d", 0)])),
        message("DOWNLOAD", path="x", offset=3),
        message("UPLOAD", upload_id=ID, path="refused"),
        segment(b"thrown away"),
        codec.encode_segment(Kind.ABORT, Aborted(code="stopped", message="by the user")),
        message("UPLOAD", upload_id=ID, path="stopped"),
        segment(b"kept"),
        codec.encode_segment(Kind.ABORT, Aborted(code="stopped", message="by the user")),
        message("STAT", path="x"),
        message("LOGOUT"),
    ]
)

VERSION_2_HEARD: list[Heard] = [
    m.Hello(version_wanted=2, features=["x"]),
    m.Login(token="t"),
    m.Upload(upload_id=ID, path="x", size=11),
    b"hello world",
    End(size=11),
    m.Put(files=[small("a", 3), small("b", 0), small("c", 4)]),
    b"aaacccc",
    m.Put(files=[small("d", 0)]),
    m.Download(path="x", offset=3),
    m.Upload(upload_id=ID, path="refused"),
    b"thrown away",
    m.Upload(upload_id=ID, path="stopped"),
    b"kept",
    Aborted(code="stopped", message="by the user"),
    m.Stat(path="x"),
    m.Logout(),
]


def answer_2(server: ServerPump, event: Event) -> None:
    """A server of version 2 that has one file and refuses one."""
    match event:
        case m.Hello():
            server.say(WELCOME)
        case m.Login():
            server.say(m.AuthSuccess(role="user", account="anna"))
        case m.Upload(path=path):
            server.say(m.Ready(upload_id=ID, path=path, offset=0))
            if path == "refused":
                server.say(m.Error(code="no_space", message="full"))
            else:
                server.say(m.Checkpoint(upload_id=ID, offset=0))
        case End(size=size):
            server.say(m.Stored(upload_id=ID, path="x", version=1, size=size, digest=D))
        case Aborted() | m.Logout():
            server.say(m.Done())
        case m.Download():
            server.say(
                m.DownloadBegin(path="x", version=1, size=11, digest=D, modified=1.5, offset=3, length=8)
            )
            for piece in (b"lo w", b"orld"):
                server.said += server.wire.segment(len(piece)) + piece
            server.said += server.wire.end(8, D)
        case m.Stat():
            server.say(m.EntryInfo(path="x", kind="file", modified=1.5))


def serve(pieces: list[bytes], answers: Callable[[ServerPump, Event], None]) -> ServerPump:
    server = ServerPump(ServerConnection(), answers, forgiving=True)
    for piece in pieces:
        server.feed(piece)
    return server


TRANSCRIPTS = [
    pytest.param(VERSION_1, answer_1, VERSION_1_HEARD, State.IDLE1, id="version 1"),
    pytest.param(VERSION_2, answer_2, VERSION_2_HEARD, State.OUTSIDE2, id="version 2"),
]
Answers = Callable[[ServerPump, Event], None]


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


def client_transcript() -> tuple[bytes, list[Heard]]:
    """Replies that need no speaking in between, so that they may come in any pieces."""
    replies: list[m.Reply] = [
        m.Challenge(),
        m.EntryInfo(path="é", kind="folder", modified=1.5),
        m.Error(code="not_found", message="ü" * 30),
        m.Results(results=[m.PutResult(upload_id=ID, path="x", version=1)]),
        m.DownloadBegin(path="x", version=1, size=11, digest=D, modified=1.5, offset=0, length=11),
    ]
    said = b"".join(codec.encode_reply(reply) for reply in replies)
    said += segment(b"hello") + segment(b" world") + codec.encode_segment(Kind.END, End(size=11, digest=D))
    said += codec.encode_reply(m.Done())
    return said, [*replies, b"hello world", End(size=11, digest=D), m.Done()]


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


# Limits


def outside() -> ServerConnection:
    return ServerConnection()


def logged_in_1() -> ServerConnection:
    return serve([message("AUTH", username="a", password="b")], answer_1).wire


def greeted_2() -> ServerConnection:
    return serve([message("HELLO", version=2)], answer_2).wire


def logged_in_2() -> ServerConnection:
    return serve([message("HELLO", version=2), message("AUTH", token="t")], answer_2).wire


def anonymous() -> ServerConnection:
    return ServerConnection(anonymous=True)


LIMITS = [
    pytest.param(outside, 4 << 10, id="before AUTH"),
    pytest.param(greeted_2, 4 << 10, id="after HELLO"),
    pytest.param(logged_in_1, 64 << 10, id="after AUTH, version 1"),
    pytest.param(logged_in_2, 64 << 10, id="after AUTH, version 2"),
    pytest.param(anonymous, 64 << 10, id="where nobody has to log in"),
]


@pytest.mark.parametrize(("server", "limit"), LIMITS)
def test_a_frame_up_to_the_limit_is_read(server: Callable[[], ServerConnection], limit: int) -> None:
    wire = server()
    wire.receive(limit.to_bytes(8))
    assert wire.wants() == Exactly(limit)


@pytest.mark.parametrize(("server", "limit"), LIMITS)
def test_a_frame_over_the_limit_is_refused_before_anyone_reads_on(
    server: Callable[[], ServerConnection], limit: int
) -> None:
    for length in (limit + 1, 64 << 20, 2**32, 2**63, 2**64 - 1):
        with pytest.raises(ProtocolError, match="over the limit"):
            server().receive(length.to_bytes(8))


def test_the_limit_rises_only_when_the_login_is_answered() -> None:
    large = message("LIST", x="y" * 5000)
    server = ServerPump(ServerConnection(), lambda pump, event: None)
    server.feed(message("AUTH", username="a", password="b") + large)
    assert server.unread == len(large), "nothing is read before the answer"
    server.say(m.AuthSuccess(role="user"))
    server.feed(b"")
    assert isinstance(server.heard[-1], m.ListFiles)


def test_the_limit_falls_when_a_second_login_fails() -> None:
    wire = logged_in_1()
    server = ServerPump(wire, lambda pump, event: pump.say(m.AuthFailed()))
    server.feed(message("AUTH", username="a", password="c"))
    with pytest.raises(ProtocolError, match="limit of 4096"):
        server.feed((5000).to_bytes(8))


@pytest.mark.parametrize("kind", [Kind.END, Kind.ABORT])
def test_the_end_of_a_body_is_no_place_to_hide_a_megabyte(kind: Kind) -> None:
    wire = logged_in_2()
    server = ServerPump(wire, answer_2)
    server.feed(message("UPLOAD", upload_id=ID, path="x"))
    with pytest.raises(ProtocolError, match="over the limit of 4096"):
        server.feed(pack(kind, 4097))


def test_a_segment_over_its_limit_is_refused_before_anyone_reads_on() -> None:
    server = ServerPump(logged_in_2(), answer_2)
    server.feed(message("UPLOAD", upload_id=ID, path="x"))
    server.feed(pack(Kind.DATA, SEGMENT_LIMIT))
    assert server.wire.wants() == Body(SEGMENT_LIMIT)
    server = ServerPump(logged_in_2(), answer_2)
    server.feed(message("UPLOAD", upload_id=ID, path="x"))
    with pytest.raises(ProtocolError, match="over the limit"):
        server.feed(pack(Kind.DATA, SEGMENT_LIMIT + 1))


def test_a_put_longer_than_its_files_breaks_the_protocol() -> None:
    server = ServerPump(logged_in_2(), answer_2)
    server.feed(codec.encode_request(m.Put(files=[small("a", 3)])))
    with pytest.raises(ProtocolError, match="More bytes"):
        server.feed(pack(Kind.DATA, 4))


def test_a_whole_put_stops_reading_until_it_is_taken() -> None:
    wire = logged_in_2()
    pump = Pump(wire)
    pump.feed(codec.encode_request(m.Put(files=[small("a", 3)])) + segment(b"aaa") + message("WHOAMI"))
    assert (wire.wants(), pump.unread) == (None, len(message("WHOAMI")))
    wire.put_done()
    pump.feed(b"")
    assert isinstance(pump.heard[-1], m.WhoAmI)


def test_a_put_is_not_taken_before_it_is_whole() -> None:
    wire = logged_in_2()
    pump = Pump(wire)
    pump.feed(codec.encode_request(m.Put(files=[small("a", 3)])) + segment(b"aa"))
    with pytest.raises(RuntimeError):
        wire.put_done()


def test_limits_are_settings() -> None:
    limits = FrameLimits(before_auth=100, after_auth=200, reply=300, depth=2)
    with pytest.raises(ProtocolError, match="limit of 100"):
        ServerConnection(limits).receive((101).to_bytes(8))
    with pytest.raises(ProtocolError, match="limit of 200"):
        ServerConnection(limits, anonymous=True).receive((201).to_bytes(8))
    with pytest.raises(ProtocolError, match="limit of 300"):
        ClientConnection(limits).receive((301).to_bytes(8))
    with pytest.raises(ProtocolError, match="deeper than 2"):
        serve_once(ServerConnection(limits), b'{"a":[{}]}')


def test_an_answer_over_the_limit_is_refused_and_another_can_be_given() -> None:
    limits = FrameLimits(reply=1000, page=100)
    long = m.Identity(account="a" * 90, role="user")
    for version in (1, 2):
        wire = ServerConnection(limits, anonymous=True)
        wire.version = version
        wire.state = [State.IDLE1, State.IDLE2][version - 1]
        pump = Pump(wire)
        pump.feed(message("LIST") if version == 1 else message("WHOAMI"))
        listed = m.ListedFile(name="a" * 990, size=1, modified=1, hash=D, version=1, owner="a")
        with pytest.raises(TooMany, match=f"more than {[1000, 100][version - 1]} bytes"):
            wire.send(m.FileList(files=[listed]) if version == 1 else long)
        assert wire.owes_reply
        wire.send(m.Error(code="too_many", message="no"))
        assert not wire.owes_reply


def test_results_are_told_whatever_their_length() -> None:
    wire = ServerConnection(FrameLimits(page=100))
    wire.version, wire.state = 2, State.IDLE2
    wire.send(m.Results(results=[m.PutResult(upload_id=ID, path="a" * 200, version=1)]))


def serve_once(wire: ServerConnection, raw: bytes) -> None:
    wire.receive(pack(Kind.MESSAGE, len(raw)))
    wire.receive(raw)


def test_an_empty_message_is_not_json_rather_than_nothing() -> None:
    wire = ServerConnection()
    wire.receive(bytes(8))
    assert wire.wants() == Exactly(0)
    with pytest.raises(ProtocolError):
        wire.receive(b"")


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
