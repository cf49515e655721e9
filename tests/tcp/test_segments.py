"""A lent socket whose body comes in segments: many in one turn, and the wire core knows of each."""

import socket

import pytest

from fileshare.services import lending
from fileshare.tcp.segments import Segments
from fileshare.wire.connection import Body, ServerConnection
from fileshare.wire.frames import HEADER_SIZE, Kind, pack
from fileshare.wire.states import State


@pytest.fixture
def wire() -> ServerConnection:
    found = ServerConnection()
    found.state = State.BODY2
    return found


def line() -> tuple[socket.socket, socket.socket]:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    return ours, peer


def taken_from(wire: ServerConnection, ours: socket.socket, limit: int, step: int = 1000) -> bytes:
    """What one loan gives, read `step` bytes at a time."""
    want = wire.wants()
    assert isinstance(want, Body)
    segments = Segments(wire, want.count)
    loan = segments.loan(ours, limit, segments.took)
    data = b""
    while due := loan.due(len(data)):
        data += ours.recv(min(due, step))
    loan.give_back(len(data))
    return data


def begin(wire: ServerConnection, ours: socket.socket) -> None:
    """The loop reads the first header."""
    assert wire.receive(ours.recv(HEADER_SIZE)) is None


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.tcp.segments.PATIENCE_MS", 0)


def test_segments_behind_each_other_are_taken_in_one_turn(wire: ServerConnection) -> None:
    ours, peer = line()
    with ours, peer:
        for piece in (b"a" * 10, b"b", b"c" * 5000):
            peer.sendall(pack(Kind.DATA, len(piece)) + piece)
        begin(wire, ours)
        assert taken_from(wire, ours, 1 << 20) == b"a" * 10 + b"b" + b"c" * 5000
        assert not isinstance(wire.wants(), Body)  # the next header is due


def test_turn_ends_at_its_limit_and_the_rest_of_the_segment_is_still_due(wire: ServerConnection) -> None:
    ours, peer = line()
    with ours, peer:
        peer.sendall((pack(Kind.DATA, 100) + b"x" * 100) * 2)
        begin(wire, ours)
        assert len(taken_from(wire, ours, 150)) == 150
        assert wire.wants() == Body(50)


@pytest.mark.parametrize(
    "follows",
    [pack(Kind.END, 2) + b"{}", pack(Kind.ABORT, 2) + b"{}", pack(Kind.MESSAGE, 9), pack(Kind.DATA, 1 << 30)],
    ids=["end", "abort", "message", "too large"],
)
def test_what_is_no_segment_of_bytes_is_left_to_the_loop(wire: ServerConnection, follows: bytes) -> None:
    ours, peer = line()
    with ours, peer:
        peer.sendall(pack(Kind.DATA, 3) + b"abc" + follows)
        begin(wire, ours)
        assert taken_from(wire, ours, 1 << 20) == b"abc"
        assert ours.recv(100) == follows


def test_half_a_header_is_left_to_the_loop(wire: ServerConnection) -> None:
    ours, peer = line()
    with ours, peer:
        peer.sendall(pack(Kind.DATA, 3) + b"abc" + pack(Kind.DATA, 3)[:5])
        begin(wire, ours)
        assert taken_from(wire, ours, 1 << 20) == b"abc"
        assert lending.unread(ours) == 5
