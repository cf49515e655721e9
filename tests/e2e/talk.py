"""The protocol typed by hand over a bare socket, for what a well-behaved client would never say.

Written from the users' document and docs/protocol.md; shares nothing with
`fileshare.wire` or `fileshare.client`.
"""

import hashlib
import json
import socket
import struct
from types import TracebackType
from typing import Any, Self

from tests.e2e.frames import DATA, END, MESSAGE, frame

SECONDS = 20
"""A server that says nothing for so long has stalled."""

Data = dict[str, Any]


class Talk:
    """One connection, byte by byte."""

    def __init__(self, address: tuple[str, int], seconds: float = SECONDS) -> None:
        self.socket = socket.create_connection(address, timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0
        """Bytes handed to the kernel so far."""

    def send(self, data: bytes) -> None:
        """Raw bytes."""
        self.socket.sendall(data)
        self.sent += len(data)

    def say(self, command: str, **data: object) -> None:
        """A request."""
        self.send_json({"command": command, "data": data})

    def send_json(self, message: object) -> None:
        """Anything that JSON can say, as a frame."""
        self.send(frame(MESSAGE, json.dumps(message).encode()))

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises ConnectionError when they don't come."""
        found = bytearray()
        while len(found) < count:
            piece = self.socket.recv(min(count - len(found), 1 << 20))
            if not piece:
                raise ConnectionError(f"the server closed after {len(found)} of {count} bytes")
            found += piece
        return bytes(found)

    def hear(self) -> tuple[str, Data]:
        """The next reply: status and data."""
        (length,) = struct.unpack(">Q", self.read(8))
        message = json.loads(self.read(length))
        assert set(message) == {"status", "data"}, message
        return message["status"], message["data"]

    def ask(self, command: str, **data: object) -> tuple[str, Data]:
        """A request and its reply."""
        self.say(command, **data)
        return self.hear()

    def hear_segments(self) -> tuple[bytes, Data]:
        """A version 2 body: the bytes of its DATA segments, and what END says."""
        found = bytearray()
        while True:
            kind, length = struct.unpack(">BxxxI", self.read(8))
            payload = self.read(length)
            if kind != DATA:
                assert kind == END, (kind, payload)
                return bytes(found), json.loads(payload or b"{}")
            found += payload

    def closed(self) -> bool:
        """Whether the server ends the connection; what it still says is thrown away."""
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def last_words(self) -> list[tuple[str, Data]]:
        """All replies until the server closes."""
        said: list[tuple[str, Data]] = []
        try:
            while True:
                said.append(self.hear())
        except (ConnectionError, struct.error):
            return said

    def finish(self) -> None:
        """FIN: nothing more will be said, and the replies are still read."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Go away."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Version1(Talk):
    """What the users' document says, in 8 KiB chunks."""

    chunk = 8192

    def log_in(self, name: str = "admin", password: str = "admin123") -> Self:
        """AUTH."""
        status, data = self.ask("AUTH", username=name, password=password)
        assert status == "AUTH_SUCCESS", (status, data)
        return self

    def begin(self, name: str, content: bytes, **more: object) -> str:
        """UPLOAD up to `ready`; returns the temp_id."""
        digest = hashlib.sha256(content).hexdigest()
        status, data = self.ask("UPLOAD", filename=name, file_size=len(content), file_hash=digest, **more)
        assert status == "OK" and data["ready"] is True, (status, data)
        return str(data["temp_id"])

    def send_chunks(self, content: bytes, start: int = 0, stop: int | None = None) -> None:
        """Raw bytes of the body, a chunk at a time."""
        end = len(content) if stop is None else stop
        for at in range(start, end, self.chunk):
            self.send(content[at : min(at + self.chunk, end)])

    def upload(self, name: str, content: bytes, **more: object) -> Data:
        """A whole upload; returns the final reply's data."""
        self.begin(name, content, **more)
        self.send_chunks(content)
        return self.stored()

    def stored(self) -> Data:
        """The final reply of an upload."""
        status, data = self.hear()
        assert status == "OK" and "filename" in data, (status, data)
        return data

    def resume(self, name: str, content: bytes) -> int:
        """RESUME up to its reply; returns `bytes_received`."""
        status, data = self.ask("RESUME", filename=name, file_hash=hashlib.sha256(content).hexdigest())
        assert status == "OK" and data["file_size"] == len(content), (status, data)
        return int(data["bytes_received"])

    def finish_upload(self, name: str, content: bytes) -> tuple[int, Data]:
        """RESUME, the bytes that are missing, the final reply; also where it went on."""
        start = self.resume(name, content)
        self.send_chunks(content, start)
        return start, self.stored()

    def download(self, name: str, start: int = 0, confirm: bool = True) -> bytes:
        """The bytes of a file from `start` on, checked against the digest when whole."""
        status, data = self.ask("DOWNLOAD", filename=name, start_byte=start)
        assert status == "OK", (status, data)
        if confirm:
            self.say("DOWNLOAD_CONFIRM")
        content = self.read(data["file_size"] - start)
        if not start:
            assert hashlib.sha256(content).hexdigest() == data["file_hash"]
        return content

    def names(self) -> list[str]:
        """LIST, the full paths."""
        status, data = self.ask("LIST")
        assert status == "OK", (status, data)
        return sorted(found["name"] for found in data["files"])


class Version2(Talk):
    """HELLO first, bodies in segments."""

    def __init__(self, address: tuple[str, int], seconds: float = SECONDS) -> None:
        super().__init__(address, seconds)
        status, self.welcome = self.ask("HELLO", version=2, client="by hand", features=[])
        assert status == "OK", (status, self.welcome)

    def log_in(self, name: str = "admin", password: str = "admin123") -> Self:
        """AUTH for a token."""
        status, data = self.ask("AUTH", username=name, password=password, name="by hand")
        assert status == "AUTH_SUCCESS", (status, data)
        return self

    def begin(self, upload_id: str, path: str, **more: object) -> int:
        """UPLOAD up to READY; returns the offset."""
        status, data = self.ask("UPLOAD", upload_id=upload_id, path=path, **more)
        assert status == "READY", (status, data)
        return int(data["offset"])

    def send_data(self, content: bytes, segment: int = 1 << 16) -> None:
        """DATA segments."""
        for at in range(0, len(content), segment):
            self.send(frame(DATA, content[at : at + segment]))

    def send_end(self, content: bytes) -> None:
        """END, with size and digest of the whole content."""
        body = {"size": len(content), "digest": hashlib.sha256(content).hexdigest()}
        self.send(frame(END, json.dumps(body).encode()))

    def final(self) -> tuple[str, Data]:
        """The reply that closes a body, past all checkpoints."""
        while True:
            status, data = self.hear()
            if status != "CHECKPOINT":
                return status, data

    def checkpoint_from(self, offset: int) -> int:
        """Wait for a checkpoint at `offset` or beyond; returns it."""
        while True:
            status, data = self.hear()
            assert status == "CHECKPOINT", (status, data)
            if data["offset"] >= offset:
                return int(data["offset"])
