"""Two whole conversations, byte for byte, the servers that answer them, and servers in mid conversation."""

import json
from collections.abc import Callable

from fileshare.wire import codec
from fileshare.wire import messages as m
from fileshare.wire.connection import (
    SEGMENT_LIMIT,
    Aborted,
    End,
    Event,
    ServerConnection,
)
from fileshare.wire.frames import Kind, pack
from tests.wire.pump import Heard, ServerPump

D = "ab" * 32
ID = "upload-0123456789"
WELCOME = m.Welcome(
    version=2,
    server="test",
    features=["put"],
    limits=m.Limits(frame=65536, segment=SEGMENT_LIMIT, put_size=100, window_uploads=8, window_bytes=1000),
    authenticated=False,
)


def message(command: str, **data: object) -> bytes:
    raw = json.dumps({"command": command, "data": data}).encode()
    return pack(Kind.MESSAGE, len(raw)) + raw


def segment(data: bytes) -> bytes:
    return pack(Kind.DATA, len(data)) + data


def small(name: str, size: int) -> m.PutFile:
    return m.PutFile(upload_id=f"{name:0>16}", path=name, size=size, digest=D)


VERSION_1 = b"".join(
    [
        message("AUTH", username="anna", password="secret"),
        message("LIST"),
        message("UPLOAD", filename="x.bin", file_size=11, file_hash=D),
        b"hello world",
        message("UPLOAD", filename="empty", file_size=0, file_hash=D, overwrite=True),
        message("RESUME", filename="x.bin", file_hash=D),
        b"world",
        message("DOWNLOAD", filename="x.bin", start_byte=3),
        message("DOWNLOAD_CONFIRM"),
        message("NONSENSE", x=1),
        message("LIST"),
    ]
)

VERSION_1_HEARD: list[Heard] = [
    m.Auth(username="anna", password="secret"),
    m.ListFiles(),
    m.UploadFile(filename="x.bin", file_size=11, file_hash=D),
    b"hello world",
    m.UploadFile(filename="empty", file_size=0, file_hash=D, overwrite=True),
    m.ResumeUpload(filename="x.bin", file_hash=D),
    b"world",
    m.DownloadFile(filename="x.bin", start_byte=3),
    m.DownloadConfirm(),
    m.ListFiles(),
]


def answer_1(server: ServerPump, event: Event) -> None:
    """A server of version 1 that has one file."""
    match event:
        case m.Auth():
            server.say(m.AuthSuccess(role="user"))
        case m.ListFiles():
            server.say(m.FileList(files=[]))
        case m.UploadFile(file_size=size):
            server.say(m.UploadReady(temp_id="1"))
            server.wire.expect_raw(size)
        case m.ResumeUpload():
            server.say(m.ResumeReady(bytes_received=6, file_size=11))
            server.wire.expect_raw(5)
        case m.DownloadFile():
            server.say(m.DownloadReady(filename="x.bin", file_size=11, file_hash=D, start_byte=3))
            server.said += b"lo world"
            server.wire.flow_done()


VERSION_2 = b"".join(
    [
        message("HELLO", version=2, features=["x"]),
        message("AUTH", token="t"),
        message("UPLOAD", upload_id=ID, path="x", size=11),
        segment(b"hello"),
        segment(b" world"),
        pack(Kind.END, len(b'{"size":11}')) + b'{"size":11}',
        codec.encode_request(m.Put(files=[small("a", 3), small("b", 0), small("c", 4)])),
        segment(b"aaac"),
        segment(b"ccc"),
        codec.encode_request(m.Put(files=[small("d", 0)])),
        message("DOWNLOAD", path="x", offset=3),
        message("UPLOAD", upload_id=ID, path="refused"),
        segment(b"thrown away"),
        codec.encode_segment(Kind.ABORT, Aborted(code="stopped", message="by the user")),
        message("UPLOAD", upload_id=ID, path="stopped"),
        segment(b"kept"),
        codec.encode_segment(Kind.ABORT, Aborted(code="stopped", message="by the user")),
        message("STAT", path="x"),
        message("LOGOUT"),
    ]
)

VERSION_2_HEARD: list[Heard] = [
    m.Hello(version_wanted=2, features=["x"]),
    m.Login(token="t"),
    m.Upload(upload_id=ID, path="x", size=11),
    b"hello world",
    End(size=11),
    m.Put(files=[small("a", 3), small("b", 0), small("c", 4)]),
    b"aaacccc",
    m.Put(files=[small("d", 0)]),
    m.Download(path="x", offset=3),
    m.Upload(upload_id=ID, path="refused"),
    b"thrown away",
    m.Upload(upload_id=ID, path="stopped"),
    b"kept",
    Aborted(code="stopped", message="by the user"),
    m.Stat(path="x"),
    m.Logout(),
]


def answer_2(server: ServerPump, event: Event) -> None:
    """A server of version 2 that has one file and refuses one."""
    match event:
        case m.Hello():
            server.say(WELCOME)
        case m.Login():
            server.say(m.AuthSuccess(role="user", account="anna"))
        case m.Upload(path=path):
            server.say(m.Ready(upload_id=ID, path=path, offset=0))
            if path == "refused":
                server.say(m.Error(code="no_space", message="full"))
            else:
                server.say(m.Checkpoint(upload_id=ID, offset=0))
        case End(size=size):
            server.say(m.Stored(upload_id=ID, path="x", version=1, size=size, digest=D))
        case Aborted() | m.Logout():
            server.say(m.Done())
        case m.Download():
            server.say(
                m.DownloadBegin(path="x", version=1, size=11, digest=D, modified=1.5, offset=3, length=8)
            )
            for piece in (b"lo w", b"orld"):
                server.said += server.wire.segment(len(piece)) + piece
            server.said += server.wire.end(8, D)
        case m.Stat():
            server.say(m.EntryInfo(path="x", kind="file", modified=1.5))


Answers = Callable[[ServerPump, Event], None]


def serve(pieces: list[bytes], answers: Answers) -> ServerPump:
    server = ServerPump(ServerConnection(), answers, forgiving=True)
    for piece in pieces:
        server.feed(piece)
    return server


def outside() -> ServerConnection:
    return ServerConnection()


def logged_in_1() -> ServerConnection:
    return serve([message("AUTH", username="a", password="b")], answer_1).wire


def greeted_2() -> ServerConnection:
    return serve([message("HELLO", version=2)], answer_2).wire


def logged_in_2() -> ServerConnection:
    return serve([message("HELLO", version=2), message("AUTH", token="t")], answer_2).wire


def anonymous() -> ServerConnection:
    return ServerConnection(anonymous=True)


def client_transcript() -> tuple[bytes, list[Heard]]:
    """Replies that need no speaking in between, so that they may come in any pieces."""
    replies: list[m.Reply] = [
        m.Challenge(),
        m.EntryInfo(path="é", kind="folder", modified=1.5),
        m.Error(code="not_found", message="ü" * 30),
        m.Results(results=[m.PutResult(upload_id=ID, path="x", version=1)]),
        m.DownloadBegin(path="x", version=1, size=11, digest=D, modified=1.5, offset=0, length=11),
    ]
    said = b"".join(codec.encode_reply(reply) for reply in replies)
    said += segment(b"hello") + segment(b" world") + codec.encode_segment(Kind.END, End(size=11, digest=D))
    said += codec.encode_reply(m.Done())
    return said, [*replies, b"hello world", End(size=11, digest=D), m.Done()]
