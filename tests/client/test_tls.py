"""The client's TLS: verified, remembered, never given up."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from fileshare.client.channel import connect
from fileshare.client.line import Lines
from fileshare.client.rate import Rate
from fileshare.client.reports import Item
from fileshare.client.servers import Server
from fileshare.client.sources import FileSource
from fileshare.client.uploads import Sending, Uploader
from fileshare.errors import ConnectionLost, ProtocolError
from fileshare.wire import messages as m

from .conftest import Notes
from .scripted import TOKEN, ScriptedServer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


class TlsServer(ScriptedServer):
    """The scripted server behind TLS."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.context)
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        try:
            wrapped = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        self._open.add(wrapped)
        super()._serve(wrapped)


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[TlsServer]:
    found = TlsServer(authority, "localhost")
    yield found
    found.close()


def at(server: ScriptedServer, **more: str) -> Server:
    return Server(host="localhost", port=server.port, tls=True, **more)


def test_a_file_goes_up_under_tls_over_cuts(server: TlsServer, ca: str, tmp_path: Path, notes: Notes) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(range(256)) * 12_000)
    server.faults.cut_after_received = [1_000_000]
    lines = Lines(at(server, ca=ca), m.Login(token=TOKEN), notes, retry_seconds=20)
    source = FileSource(str(path))
    item = Item(direction="upload", path="big.bin", local=str(path), size=source.size)
    Uploader(lines.first, Rate(), notes).send(Sending(item=item, upload_id="a" * 32), source)
    assert server.files["big.bin"].content == path.read_bytes()
    source.close()
    lines.close()


def test_an_unknown_authority_is_refused_and_nothing_is_said(server: TlsServer) -> None:
    with pytest.raises(ProtocolError, match="--ca"):
        connect(at(server))
    assert server.requests == []


def test_a_certificate_of_another_host_is_refused(authority: trustme.CA, ca: str) -> None:
    other = TlsServer(authority, "elsewhere.example")
    with pytest.raises(ProtocolError, match="not trusted"):
        connect(at(other, ca=ca))
    other.close()


def test_a_missing_authority_is_named(server: TlsServer) -> None:
    with pytest.raises(ProtocolError, match="nowhere"):
        connect(at(server, ca="/nowhere.pem"))


def test_a_server_without_tls_gets_no_plain_word() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def plain() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(1000))
            connection.sendall(b"HTTP/1.1 400\r\n\r\n")

    thread = threading.Thread(target=plain, daemon=True)
    thread.start()
    with pytest.raises((ProtocolError, ConnectionLost)):
        connect(Server(host="127.0.0.1", port=listener.getsockname()[1], tls=True))
    thread.join(5)
    listener.close()
    assert heard[0][:1] == b"\x16"  # a TLS handshake
    assert b"HELLO" not in heard[0]
