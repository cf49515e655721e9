"""The users' document's own example, typed as raw bytes, byte for byte."""

import hashlib
import json
import socket
import struct

import pytest

from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1

BODY = content(1024)
DIGEST = hashlib.sha256(BODY).hexdigest()


def typed(text: str) -> bytes:
    """A message as the document writes it, behind its 8-byte length."""
    raw = text.encode("utf-8")
    return struct.pack(">Q", len(raw)) + raw


def read_reply(connection: socket.socket) -> object:
    (length,) = struct.unpack(">Q", connection.recv(8, socket.MSG_WAITALL))
    return json.loads(connection.recv(length, socket.MSG_WAITALL))


def test_example_flow_gets_the_documented_replies(server: Server) -> None:
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(
            typed('{"command": "AUTH", "data": {"username": "admin", "password": "admin123"}}')
        )
        assert read_reply(connection) == {"status": "AUTH_SUCCESS", "data": {"role": "admin"}}
        connection.sendall(
            typed(
                '{"command": "UPLOAD", "data": {"filename": "example.txt", "file_size": 1024, '
                f'"file_hash": "{DIGEST}"}}}}'
            )
        )
        ready = read_reply(connection)
        assert isinstance(ready, dict)
        assert ready["status"] == "OK"
        assert set(ready["data"]) == {"ready", "temp_id"}
        assert ready["data"]["ready"] is True
        assert isinstance(ready["data"]["temp_id"], str)
        for at in range(0, 1024, 100):
            connection.sendall(BODY[at : at + 100])
        assert read_reply(connection) == {
            "status": "OK",
            "data": {
                "message": "Upload successful",
                "filename": "example.txt",
                "size": 1024,
                "hash": DIGEST,
            },
        }


def test_whole_flow_in_one_go_is_answered_in_order(server: Server) -> None:
    """Everything is sent before the first reply is read."""
    flow = typed('{"command": "AUTH", "data": {"username": "admin", "password": "admin123"}}')
    upload = json.dumps(
        {"command": "UPLOAD", "data": {"filename": "a.txt", "file_size": 1024, "file_hash": DIGEST}}
    )
    flow += typed(upload) + BODY + typed('{"command": "LIST", "data": {}}')
    with Version1(server.address) as talk:
        talk.send(flow)
        statuses = [talk.hear() for _ in range(4)]
    assert [status for status, _ in statuses] == ["AUTH_SUCCESS", "OK", "OK", "OK"]
    (listed,) = statuses[3][1]["files"]
    assert {key: listed[key] for key in ("name", "size", "hash")} == {
        "name": "a.txt", "size": 1024, "hash": DIGEST
    }  # fmt: skip
    assert isinstance(listed["modified"], int | float)


@pytest.mark.parametrize("chunk", [8192, 4 << 20])
def test_every_command_of_the_document(server: Server, chunk: int) -> None:
    data = content(300_000)
    with Version1(server.address) as talk:
        talk.chunk = chunk
        talk.log_in()
        assert talk.upload("x.bin", data)["filename"] == "x.bin"
        assert talk.upload("x.bin", data)["filename"] == "x_v2.bin"
        assert talk.upload("x.bin", data[::-1], overwrite=True)["filename"] == "x.bin"
        assert talk.names() == ["x.bin", "x_v2.bin"]
        assert talk.download("x.bin") == data[::-1]
        assert talk.download("x_v2.bin", 299_000) == data[299_000:]
        assert talk.ask("DOWNLOAD", filename="nothing")[0] == "FILE_NOT_FOUND"
        assert talk.ask("RESUME", filename="nothing", file_hash=DIGEST)[0] == "FILE_NOT_FOUND"


def test_statuses_of_a_login(server: Server) -> None:
    with Version1(server.address) as talk:
        assert talk.ask("LIST")[0] == "AUTH_REQUIRED"
        assert talk.ask("AUTH", username="admin", password="wrong")[0] == "AUTH_FAILED"
        assert talk.ask("AUTH", username="nobody", password="wrong")[0] == "AUTH_FAILED"
        talk.log_in()
        assert talk.ask("LIST") == ("OK", {"files": []})


def test_an_empty_file_is_stored_at_once(server: Server) -> None:
    with Version1(server.address).log_in() as talk:
        assert talk.upload("empty.bin", b"")["size"] == 0
        assert talk.download("empty.bin") == b""


def test_a_start_outside_the_file_is_a_bad_offset(server: Server) -> None:
    with Version1(server.address).log_in() as talk:
        talk.upload("a.txt", b"1234")
        starts: list[object] = [-1, 5, "1", 1.5, True, None]
        for start in starts:
            status, data = talk.ask("DOWNLOAD", filename="a.txt", start_byte=start)
            assert (status, data["code"]) == ("ERROR", "bad_offset"), start
        assert talk.download("a.txt", 4) == b""
