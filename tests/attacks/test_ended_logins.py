"""What runs under a login that ends, at both doors."""

import json
import socket
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.servers import Server
from tests.e2e.talk import Version1

SIZE = 64 << 20
SECONDS = 5
PATIENCE = 15
"""Seconds to look for what must happen; the promise is two."""


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def api(
    server: Server, method: str, path: str, body: bytes | None = None, kind: str = ""
) -> dict[str, list[object]]:
    headers = {"Authorization": basic("admin", "admin123"), "Content-Type": kind or "application/json"}
    request = urllib.request.Request(server.web + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        told: dict[str, list[object]] = json.loads(answer.read() or b"{}")
        return told


def by_web(server: Server) -> socket.socket:
    host, port = server.web.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), SECONDS)
    line.sendall(
        f"GET /files/big HTTP/1.1\r\nHost: a\r\nAuthorization: {basic('carl', 'a long one')}\r\n\r\n".encode()
    )
    return line


def by_tcp(server: Server) -> socket.socket:
    talk = Version1(server.address).log_in("carl", "a long one")
    talk.say("DOWNLOAD", filename="big")
    return talk.socket


@pytest.mark.parametrize("begin", [by_web, by_tcp])
def test_reader_that_waits_for_the_end_of_its_login_gets_no_more_then(
    serve: Serve, begin: Callable[[Server], socket.socket]
) -> None:
    server = serve()
    api(server, "PUT", "/files/big", bytes(SIZE), "application/octet-stream")
    api(server, "POST", "/api/v1/users", b'{"username": "carl", "password": "a long one", "role": "user"}')
    with begin(server) as line:
        line.recv(1)
        api(server, "PATCH", "/api/v1/users/carl", b'{"enabled": false}')
        end = time.monotonic() + PATIENCE
        while api(server, "GET", "/api/v1/transfers")["transfers"]:
            assert time.monotonic() < end, "the server still sends"
            time.sleep(0.05)
