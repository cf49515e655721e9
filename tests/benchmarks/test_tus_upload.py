"""The plain tus client, against a server that keeps what it is told."""

import base64
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import tus_upload

SIZE = tus_upload.PIECE + 5


class Tus(ThreadingHTTPServer):
    """Takes one upload; refuses the piece that `refused` names."""

    refused: int | None = None
    metadata = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kept = bytearray()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Tus

    def do_POST(self) -> None:
        self.server.metadata = self.headers["Upload-Metadata"]
        assert self.headers["Authorization"] == "Bearer some token"
        assert self.headers["Upload-Length"] == str(SIZE)
        self._answer(201, Location=f"http://{self.headers['Host']}/tus/one")

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        fits = self.headers["Upload-Offset"] == str(len(self.server.kept)) != str(self.server.refused)
        if not fits or self.path != "/tus/one" or self.headers["Upload-Checksum"] != f"sha256 {digest}":
            self._answer(460)
            return
        self.server.kept += body
        self._answer(204, **{"Upload-Offset": str(len(self.server.kept))})

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Tus]:
    with Tus() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(SIZE)
    return path


def upload(server: Tus, source: Path) -> subprocess.CompletedProcess[str]:
    endpoint = f"http://127.0.0.1:{server.server_address[1]}/tus/"
    argv = [sys.executable, "-I", "-S", tus_upload.__file__, endpoint, str(source), "a name"]
    environ = {"TOKEN": "some token"}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_pieces_arrive_in_order_each_with_its_checksum(source: Path) -> None:
    with running() as server:
        done = upload(server, source)

    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(server.kept).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert server.metadata == f"filename {base64.b64encode(b'a name').decode()}"


def test_a_piece_that_is_refused_is_a_failure(source: Path) -> None:
    with running() as server:
        server.refused = tus_upload.PIECE
        done = upload(server, source)

    assert done.returncode == 1
    assert "a piece was not taken: 460" in done.stderr
    assert len(server.kept) == tus_upload.PIECE
