"""A client of protocol version 1, as somebody else would write it from the users' document alone.

Knows nothing of fileshare's code and only Python's standard library, so that a change of ours
that breaks such clients is seen. Plain blocking sockets, one request at a time. A library for
tests, and a program that can be killed:

    python version1.py --port 9000 --chunk 8192 anna secret upload FILE [--overwrite]
"""

import argparse
import hashlib
import json
import socket
import struct
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

HEADER_SIZE = 8
CHUNK_SIZE = 8192
LARGE_CHUNK_SIZE = 4 << 20
ENCODING = "utf-8"

Data = dict[str, Any]


class Refused(Exception):
    """The server answered something else than was hoped for."""

    def __init__(self, status: str, data: Data) -> None:
        super().__init__(f"{status}: {data.get('code')}: {data.get('message')}")
        self.status = status
        self.data = data


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Client:
    """One connection. `chunk` is how many bytes it sends and reads at a time."""

    def __init__(self, host: str, port: int, chunk: int = CHUNK_SIZE, seconds: float = 60) -> None:
        self.chunk = chunk
        self.socket = socket.create_connection((host, port), timeout=seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    # Messages

    def send_message(self, command: str, **data: object) -> None:
        """A request: 8 bytes of length, then JSON."""
        body = json.dumps({"command": command, "data": data}).encode(ENCODING)
        self.socket.sendall(struct.pack(">Q", len(body)) + body)

    def receive_message(self) -> tuple[str, Data]:
        """A reply: its status and its data."""
        (length,) = struct.unpack(">Q", self._receive_exactly(HEADER_SIZE))
        message = json.loads(self._receive_exactly(length).decode(ENCODING))
        return message["status"], message["data"]

    def request(self, command: str, **data: object) -> Data:
        """A request and the data of its reply. Raises Refused."""
        self.send_message(command, **data)
        return self._expect("OK")

    def _expect(self, hoped_for: str) -> Data:
        status, data = self.receive_message()
        if status != hoped_for:
            raise Refused(status, data)
        return data

    def _receive_exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.socket.recv(count - len(found))
            if not piece:
                raise ConnectionError("the server hung up")
            found += piece
        return found

    # Commands

    def login(self, username: str, password: str) -> str:
        """AUTH; returns the role."""
        self.send_message("AUTH", username=username, password=password)
        return str(self._expect("AUTH_SUCCESS")["role"])

    def list(self) -> list[Data]:
        """LIST; every file as {name, size, modified, hash, …}."""
        files: list[Data] = self.request("LIST")["files"]
        return files

    def upload(
        self, path: Path, name: str | None = None, *, overwrite: bool = False, stop_after: int | None = None
    ) -> Data:
        """UPLOAD; returns the final reply. With `stop_after`, hangs up when so many bytes were sent."""
        ready = self.request(
            "UPLOAD",
            filename=name or path.name,
            file_size=path.stat().st_size,
            file_hash=digest_of(path),
            overwrite=overwrite,
        )
        assert ready["ready"] is True
        assert isinstance(ready["temp_id"], str)
        return self._send_file(path, 0, stop_after)

    def resume(
        self, path: Path, name: str | None = None, *, stop_after: int | None = None
    ) -> tuple[int, Data]:
        """RESUME by name and hash; returns where it went on, and the final reply."""
        known = self.request("RESUME", filename=name or path.name, file_hash=digest_of(path))
        assert known["file_size"] == path.stat().st_size
        start = int(known["bytes_received"])
        return start, self._send_file(path, start, stop_after)

    def _send_file(self, path: Path, start: int, stop_after: int | None) -> Data:
        with path.open("rb") as file:
            file.seek(start)
            sent = 0
            while chunk := file.read(self.chunk):
                if stop_after is not None and sent + len(chunk) >= stop_after:
                    self.socket.sendall(chunk[: stop_after - sent])
                    self.close()
                    return {}
                self.socket.sendall(chunk)
                sent += len(chunk)
        return self._expect("OK")

    def download(
        self, name: str, target: Path, *, resume: bool = False, stop_after: int | None = None
    ) -> int:
        """DOWNLOAD into a file, checked; returns the byte it began with.

        With `resume` it goes on behind what is in the file; with `stop_after` it hangs up early.
        """
        start = target.stat().st_size if resume and target.exists() else 0
        found = self.request("DOWNLOAD", filename=name, start_byte=start)
        assert found["start_byte"] == start
        self.send_message("DOWNLOAD_CONFIRM")
        left = int(found["file_size"]) - start
        if stop_after is not None and stop_after < left:
            left = stop_after
        with target.open("ab" if start else "wb") as file:
            self._receive_file(file, left)
        if stop_after is not None:
            self.close()
        elif digest_of(target) != found["file_hash"]:
            raise ValueError(f"{name} arrived damaged")
        return start

    def _receive_file(self, file: BinaryIO, left: int) -> None:
        while left:
            piece = self.socket.recv(min(self.chunk, left))
            if not piece:
                raise ConnectionError("the server hung up")
            file.write(piece)
            left -= len(piece)


def main(arguments: list[str]) -> int:
    """The program: one command, its reply as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--chunk", type=int, default=CHUNK_SIZE)
    parser.add_argument("username")
    parser.add_argument("password")
    parser.add_argument("command", choices=["list", "upload", "resume", "download"])
    parser.add_argument("file", nargs="?", default="")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--resume", action="store_true")
    chosen = parser.parse_args(arguments)
    with Client(chosen.host, chosen.port, chosen.chunk) as client:
        client.login(chosen.username, chosen.password)
        try:
            sys.stdout.write(json.dumps(_run(client, chosen)) + "\n")
        except Refused as refused:
            sys.stderr.write(f"{refused}\n")
            return 1
    return 0


def _run(client: Client, chosen: argparse.Namespace) -> object:
    path = Path(chosen.file)
    match chosen.command:
        case "list":
            return client.list()
        case "upload":
            return client.upload(path, overwrite=chosen.overwrite)
        case "resume":
            return client.resume(path)
    return client.download(path.name, path, resume=chosen.resume)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
