"""How much one end may make the other hold: lengths are refused before anyone reads on."""

from collections.abc import Callable

import pytest

from fileshare.errors import ProtocolError, TooMany
from fileshare.wire import codec
from fileshare.wire import messages as m
from fileshare.wire.connection import (
    SEGMENT_LIMIT,
    Body,
    ClientConnection,
    Exactly,
    FrameLimits,
    ServerConnection,
)
from fileshare.wire.frames import Kind, pack
from fileshare.wire.states import State
from tests.wire.pump import Pump, ServerPump
from tests.wire.transcripts import (
    ID,
    D,
    anonymous,
    answer_2,
    greeted_2,
    logged_in_1,
    logged_in_2,
    message,
    outside,
    segment,
    small,
)

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


@pytest.mark.parametrize("sizes", [(0,), (2, 0, 1), (0, 3)])
def test_a_list_encoded_in_pieces_is_the_same_list(sizes: tuple[int, ...]) -> None:
    listed = m.ListedFile(name='"é', size=1, modified=1.5, hash=D, version=1, owner="a")
    asked = [ServerConnection(FrameLimits(reply=1000), anonymous=True) for _ in range(2)]
    for wire in asked:
        wire.version, wire.state = 1, State.IDLE1
        Pump(wire).feed(message("LIST"))
    pieces = [codec.encode_listed([listed] * size) for size in sizes]
    with pytest.raises(TooMany, match="more than 1000 bytes"):
        asked[0].send_list([*pieces, b" " * 1000])
    assert asked[0].owes_reply
    whole = asked[1].send(m.FileList(files=[listed] * sum(sizes)))
    assert b"".join(asked[0].send_list(pieces)) == whole
    assert not asked[0].owes_reply


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
