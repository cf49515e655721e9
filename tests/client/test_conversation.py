import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fileshare.client.channel import Channel, connect
from fileshare.client.conversation import Conversation, error_named, error_of
from fileshare.client.line import Line, Lines
from fileshare.client.servers import Server
from fileshare.errors import (
    AuthFailed,
    AuthRequired,
    ConnectionLost,
    FileshareError,
    NotFound,
    ProtocolError,
    TooManyAttempts,
    Unavailable,
    error_classes,
)
from fileshare.wire import messages as m
from fileshare.wire.codec import encode_reply

from .conftest import Notes
from .scripted import PASSWORD, TOKEN, ScriptedServer


def address(server: ScriptedServer) -> Server:
    return Server(host="127.0.0.1", port=server.port)


@contextmanager
def peer(play: Callable[[socket.socket], None]) -> Iterator[Server]:
    """A server that does just what `play` does with its one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            play(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield Server(host="127.0.0.1", port=listener.getsockname()[1])
    finally:
        thread.join(5)
        listener.close()


def test_logs_in_by_token_with_the_first_bytes(server: ScriptedServer) -> None:
    conversation = Conversation.open(address(server), m.Login(token=TOKEN))
    assert conversation.ask(m.WhoAmI(), m.Identity).account == "anna"
    assert conversation.account == "anna"
    assert conversation.limits.put_size == server.limits.put_size
    conversation.close()


def test_a_password_gives_a_token(server: ScriptedServer) -> None:
    conversation = Conversation.open(address(server), m.Login(username="ben", password=PASSWORD))
    assert conversation.logged_in().token == TOKEN
    conversation.close()


@pytest.mark.parametrize("login", [m.Login(token="old"), m.Login(username="ben", password="wrong")])
def test_a_refused_login_is_told_by_the_first_question(server: ScriptedServer, login: m.Login) -> None:
    conversation = Conversation.open(address(server), login)
    with pytest.raises(AuthFailed):
        conversation.ask(m.WhoAmI(), m.Identity)
    conversation.close()


def test_without_a_login_one_is_asked_for(server: ScriptedServer) -> None:
    conversation = Conversation.open(address(server), None)
    with pytest.raises(AuthRequired, match="login"):
        conversation.ask(m.WhoAmI(), m.Identity)
    conversation.close()


def test_nobody_listening_is_a_lost_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionLost, match="refused"):
        connect(Server(host="127.0.0.1", port=port))


def test_a_host_that_does_not_exist_is_a_lost_connection() -> None:
    with pytest.raises(ConnectionLost):
        connect(Server(host="no such host", port=1))
    with pytest.raises(ConnectionLost):
        connect(Server(host="x" * 300, port=1))


def test_another_kind_of_server_is_a_broken_protocol() -> None:
    def web(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(web) as where:
        conversation = Conversation.open(where, None)
        with pytest.raises(ProtocolError):
            conversation.settle()
        conversation.close()


def test_a_frame_of_any_length_is_refused_before_it_is_read() -> None:
    def hostile(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall((1 << 40).to_bytes(8, "big"))

    with peer(hostile) as where:
        conversation = Conversation.open(where, None)
        with pytest.raises(ProtocolError, match="limit"):
            conversation.settle()
        conversation.close()


def test_silence_ends_a_conversation() -> None:
    over = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(10_000)
        over.wait(5)

    with peer(silent) as where:
        conversation = Conversation.open(where, None)
        conversation.hurry(0.05)
        with pytest.raises(ConnectionLost, match="silent"):
            conversation.settle()
        over.set()
        conversation.close()


def test_messages_that_come_in_crumbs_are_put_together() -> None:
    def slow(connection: socket.socket) -> None:
        connection.recv(10_000)
        welcome = m.Welcome(
            version=2, server="x", features=[], limits=ScriptedServer.limits, authenticated=True
        )
        for byte in encode_reply(welcome) + encode_reply(m.Identity(account="zoe", role="user")):
            connection.sendall(bytes([byte]))

    with peer(slow) as where:
        conversation = Conversation.open(where, None)
        assert conversation.ask(m.WhoAmI(), m.Identity).account == "zoe"
        conversation.close()


def test_a_channel_gives_what_was_read_ahead_before_it_reads_on() -> None:
    near, far = socket.socketpair()
    channel = Channel(near)
    far.sendall(b"headbody")
    assert channel.exactly(4) == b"head"
    view = memoryview(bytearray(10))
    assert channel.into(view) == 4
    assert bytes(view[:4]) == b"body"
    assert not channel.readable()
    far.close()
    assert channel.readable()
    with pytest.raises(ConnectionLost):
        channel.into(view)
    channel.close()
    channel.close()


def test_what_a_server_refuses_comes_out_as_its_error(server: ScriptedServer) -> None:
    server.faults.refuse["WHOAMI"] = FileshareError("own words")
    conversation = Conversation.open(address(server), m.Login(token=TOKEN))
    with pytest.raises(FileshareError, match="own words"):
        conversation.ask(m.WhoAmI(), m.Identity)
    with pytest.raises(NotFound):
        conversation.ask(m.Stat(path="nothing"), m.EntryInfo)
    assert conversation.idle
    conversation.close()


@pytest.mark.parametrize("code", sorted(error_classes()))
def test_every_code_becomes_its_class(code: str) -> None:
    error = error_named(code, "words")
    assert str(error) == "words"
    if code != "too_many_attempts":
        assert error.code == code


def test_a_code_of_a_newer_server_is_still_an_error() -> None:
    assert error_named("brand_new", "words").code == "error"


def test_too_many_attempts_say_how_long_to_wait() -> None:
    error = error_of(m.AuthFailed(code="too_many_attempts", retry_after=7))
    assert isinstance(error, TooManyAttempts)
    assert error.retry_after == 7


def test_a_line_connects_again_after_a_loss(line: Line, notes: Notes) -> None:
    attempts = []

    def attempt(conversation: Conversation) -> str:
        attempts.append(conversation)
        if len(attempts) == 1:
            conversation.cut()
        return conversation.ask(m.WhoAmI(), m.Identity).account

    assert line.persist(attempt) == "anna"
    assert attempts[0] is not attempts[1]
    assert [error.code for error in notes.retries] == ["connection_lost"]


def test_a_line_keeps_its_conversation_over_a_refusal(line: Line, server: ScriptedServer) -> None:
    with pytest.raises(NotFound):
        line.ask(m.Stat(path="x"), m.EntryInfo)
    line.ask(m.WhoAmI(), m.Identity)
    assert server.connections == 1


def test_a_server_that_never_answered_is_not_waited_for(notes: Notes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines = Lines(Server(host="127.0.0.1", port=port), None, notes, retry_seconds=1000)
    with pytest.raises(ConnectionLost):
        lines.first.ask(m.WhoAmI(), m.Identity)
    assert notes.retries == []


def test_what_the_server_cannot_do_now_is_asked_again(
    line: Line, server: ScriptedServer, notes: Notes
) -> None:
    server.faults.refuse["WHOAMI"] = Unavailable()
    calls: list[int] = []

    def attempt(conversation: Conversation) -> str:
        if calls:
            server.faults.refuse.clear()
        calls.append(1)
        return conversation.ask(m.WhoAmI(), m.Identity).account

    assert line.persist(attempt) == "anna"
    assert len(notes.retries) == 1


def test_a_stopped_line_wakes_whoever_waits_in_it(line: Line) -> None:
    conversation = line.conversation()
    conversation.settle()
    stopper = threading.Timer(0.05, line.stop)
    stopper.start()
    with pytest.raises(ConnectionLost):
        line.persist(lambda talk: talk.next())
    stopper.join()
    with pytest.raises(ConnectionLost):
        line.conversation()
