"""A tus client of a few lines that sends what a test says, over a connection for each request."""

import base64
import contextlib
import json
import socket
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.e2e.servers import Server

BYTES = "application/offset+octet-stream"
Bytes = bytes | memoryview
CREDENTIAL = base64.b64encode(b"admin:admin123").decode()


def web_address(server: Server) -> tuple[str, int]:
    """Where the web door listens."""
    parts = urlsplit(server.web)
    return parts.hostname or "", parts.port or 0


@dataclass(frozen=True)
class Answer:
    """Status, headers, whose names are lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Tus:
    """The admin at one address."""

    address: tuple[str, int]
    seconds: float = 30
    """Patience for a reply."""

    def ask(self, method: str, path: str, body: Bytes | None = None, **headers: str) -> Answer:
        """One request; a header is written with underscores."""
        connection = HTTPConnection(*self.address, timeout=self.seconds)
        told = {"Tus-Resumable": "1.0.0", "Authorization": f"Basic {CREDENTIAL}"}
        told |= {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            headers = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def create(self, path: str, size: int, **metadata: str) -> str:
        """A new upload's path on the server."""
        pairs = {"filename": path, **metadata}
        told = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in pairs.items())
        answer = self.ask("POST", "/tus/", Upload_Length=str(size), Upload_Metadata=told)
        assert answer.status == 201, answer
        return urlsplit(answer.headers["location"]).path

    def offset(self, path: str) -> int:
        """How far it is."""
        return int(self.ask("HEAD", path).headers["upload-offset"])

    def patch(self, path: str, offset: int, data: Bytes, **headers: str) -> Answer:
        """More bytes."""
        return self.ask("PATCH", path, data, Upload_Offset=str(offset), Content_Type=BYTES, **headers)

    def patch_in_vain(self, path: str, offset: int, data: Bytes, **headers: str) -> int:
        """The same over a line that is cut meanwhile; returns the bytes in front of the body."""
        lines = (
            f"PATCH {path} HTTP/1.1",
            f"Host: {self.address[0]}:{self.address[1]}",
            f"Authorization: Basic {CREDENTIAL}",
            "Tus-Resumable: 1.0.0",
            f"Upload-Offset: {offset}",
            f"Content-Type: {BYTES}",
            f"Content-Length: {len(data)}",
            *(f"{name}: {text}" for name, text in headers.items()),
        )
        head = "\r\n".join((*lines, "", "")).encode()
        with socket.create_connection(self.address, timeout=30) as connection, contextlib.suppress(OSError):
            connection.sendall(head)
            connection.sendall(data)
            connection.recv(1)
        return len(head)

    def half_done(self) -> dict[str, str]:
        """The URLs of one's own half-done uploads, of either door, by path."""
        found = json.loads(self.ask("GET", "/api/v1/uploads").body)["uploads"]
        return {upload["path"]: upload["url"] for upload in found}
