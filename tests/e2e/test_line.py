"""The line itself: what it says it did must be what it did, or every test on it says nothing."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import NewLine
from tests.e2e.frames import DATA, END, MESSAGE, FrameReader, frame
from tests.e2e.line import Link
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, AfterBytes, Fault, LoseMessage, Way


class Listener:
    """A server that keeps what it reads, and lets the test speak for it."""

    def __init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = ("127.0.0.1", self.door.getsockname()[1])
        self.found = bytearray()
        self.ended = ""

    def accept(self) -> socket.socket:
        """The next connection."""
        end, _ = self.door.accept()
        end.settimeout(10)
        return end

    def read_all(self, end: socket.socket) -> None:
        """Everything until FIN or RST."""
        try:
            while piece := end.recv(65536):
                self.found += piece
            self.ended = "fin"
        except ConnectionResetError:
            self.ended = "rst"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.door.close()


def wait_for(link: Link) -> None:
    assert link.finished.wait(10)


def test_bytes_pass_unchanged_and_are_counted(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address, piece=1000)
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(bytes(range(256)) * 4000)
        client.shutdown(socket.SHUT_WR)
        listener.read_all(end)
        end.sendall(b"thanks")
        assert client.recv(100) == b"thanks"
    wait_for(line.links[0])
    assert listener.found == bytes(range(256)) * 4000
    assert (line.links[0].passed(Way.UP), line.links[0].passed(Way.DOWN)) == (1_024_000, 6)


@pytest.mark.parametrize("count", [0, 1, 999, 70_000])
def test_close_comes_behind_exactly_the_bytes_asked_for(
    listener: Listener, new_line: NewLine, count: int
) -> None:
    line = new_line(listener.address)
    line.plan(AfterBytes(Way.UP, count, Fault.CLOSE))
    with socket.create_connection(line.address) as client, listener.accept() as end:
        with contextlib.suppress(ConnectionError):
            client.sendall(b"x" * 100_000)
        listener.read_all(end)
    assert (len(listener.found), listener.ended) == (count, "fin")


def test_reset_reaches_both_ends(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    line.plan(AfterBytes(Way.UP, 5000, Fault.RESET))
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(b"x" * 6000)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        listener.read_all(end)
    assert listener.ended == "rst"
    assert len(listener.found) <= 5000


def test_at_a_reset_what_the_server_had_read_is_never_overstated(
    listener: Listener, new_line: NewLine
) -> None:
    line = new_line(listener.address)
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(b"x" * 100_000)
        wait_until("all passed", lambda: line.links and line.links[0].passed(Way.UP) == 100_000)
        assert len(end.recv(30_000, socket.MSG_WAITALL)) == 30_000
        line.links[0].fail(Fault.RESET)
        wait_for(line.links[0])
    assert 0 < line.links[0].server_had_read <= 30_000


def test_stall_tells_nobody(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    line.plan(AfterBytes(Way.UP, 10, Fault.STALL))
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(b"x" * 20)
        assert end.recv(100, socket.MSG_WAITALL | socket.MSG_PEEK)[:10] == b"x" * 10
        end.settimeout(0.1)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert len(end.recv(100)) == 10
        with pytest.raises(TimeoutError):
            end.recv(1)


def test_half_close_leaves_the_other_direction(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    line.plan(AfterBytes(Way.UP, 3, Fault.HALF_CLOSE))
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(b"abc")
        listener.read_all(end)
        end.sendall(b"still here")
        assert client.recv(10, socket.MSG_WAITALL) == b"still here"
    assert (bytes(listener.found), listener.ended) == (b"abc", "fin")


def test_a_killed_ends_reset_is_passed_on(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    with socket.create_connection(line.address) as client:
        end = listener.accept()
        client.sendall(b"unread")
        wait_until("it lies there unread", lambda: line.links and line.links[0].passed(Way.UP) == 6)
        end.close()
        client.settimeout(10)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_an_act_happens_behind_its_byte_and_the_rest_follows(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    seen: list[int] = []
    line.plan(ActAfter(Way.UP, 4000, lambda: seen.append(line.links[0].passed(Way.UP))))
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(b"x" * 9000)
        client.shutdown(socket.SHUT_WR)
        listener.read_all(end)
    assert seen == [4000]
    assert len(listener.found) == 9000


def test_a_lost_message_stops_in_front_of_its_frame(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address)
    rule = LoseMessage(frozenset({"STORED"}), Fault.CLOSE)
    line.plan(rule)
    kept = frame(MESSAGE, b'{"status":"READY","data":{}}')
    with socket.create_connection(line.address) as client, listener.accept() as end:
        end.sendall(kept + frame(MESSAGE, b'{"status":"STORED","data":{"path":"a"}}'))
        reader = threading.Thread(target=listener.read_all, args=(client,))
        reader.start()
        reader.join(10)
    assert bytes(listener.found) == kept
    assert rule.lost == {"status": "STORED", "data": {"path": "a"}}


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 1000])
def test_frames_are_read_however_the_stream_is_cut(size: int) -> None:
    stream = (
        frame(MESSAGE, b'{"command":"A"}') + frame(DATA, b"x" * 20) + frame(DATA, b"") + frame(END, b"{}")
    )
    reader = FrameReader()
    found = [f for at in range(0, len(stream), size) for f in reader.feed(stream[at : at + size])]
    assert [(f.kind, f.start, f.length) for f in found] == [
        (MESSAGE, 0, 15), (DATA, 23, 20), (DATA, 51, 0), (END, 59, 2)
    ]  # fmt: skip
    assert found[0].message() == {"command": "A"}
    assert reader.data_bytes == 20


def test_a_tapped_line_knows_messages_and_body_bytes(listener: Listener, new_line: NewLine) -> None:
    line = new_line(listener.address, tapped=True, piece=5)
    with socket.create_connection(line.address) as client, listener.accept() as end:
        client.sendall(
            frame(MESSAGE, b'{"command":"UPLOAD","data":{"path":"a"}}') + frame(DATA, b"12345")[:-2]
        )
        wait_until("all passed", lambda: line.links and line.links[0].passed(Way.UP) == 40 + 8 + 8 + 3)
        end.close()
    assert line.links[0].heard("UPLOAD") == [{"path": "a"}]
    assert line.links[0].body(Way.UP) == 3
