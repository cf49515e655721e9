"""What a hostile or broken client may say, as a table: one row, one attack.

The one demand on the server: at most one clear error, then either the conversation
can go on or the connection is closed; never silence, never a second opinion.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from tests.e2e.frames import ABORT, DATA, END, MESSAGE, frame
from tests.e2e.talk import Data, Talk, Version1, Version2

DIGEST = "0" * 64
REFUSALS = frozenset({"ERROR", "AUTH_REQUIRED", "AUTH_FAILED", "FILE_NOT_FOUND", "CHECKSUM_FAILED"})


class Seat(Enum):
    """Where in a conversation the attacker sits."""

    STRANGER = auto()
    """Has said nothing."""
    USER1 = auto()
    """Has logged in with version 1."""
    GREETED = auto()
    """Has said HELLO."""
    USER2 = auto()
    """Has logged in with version 2."""
    SENDING2 = auto()
    """In the body of a version 2 upload of 100 bytes."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Bytes from a seat. `hangs_up` closes the sending side behind them."""

    name: str
    seat: Seat
    data: bytes
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """How the server took it."""

    replies: list[tuple[str, Data]]
    closed: bool


def message(command: str, **data: object) -> bytes:
    """A request as a frame."""
    return frame(MESSAGE, json.dumps({"command": command, "data": data}).encode())


def raw(text: str | bytes) -> bytes:
    """Any text as a frame."""
    return frame(MESSAGE, text.encode() if isinstance(text, str) else text)


def take_seat(address: tuple[str, int], seat: Seat, seconds: float = 20) -> Talk:
    """A connection in that state."""
    if seat is Seat.STRANGER:
        return Talk(address, seconds)
    if seat is Seat.USER1:
        return Version1(address, seconds).log_in()
    talk = Version2(address, seconds)
    if seat is not Seat.GREETED:
        talk.log_in()
    if seat is Seat.SENDING2:
        talk.begin("hostile-upload-0001", "hostile.bin", size=100)
    return talk


def attack(address: tuple[str, int], what: Attack, seconds: float = 20) -> Answer:
    """Do it, then ask an honest question; everything the server says comes back.

    Raises TimeoutError when the server neither answers nor closes.
    """
    with take_seat(address, what.seat, seconds) as talk:
        try:
            talk.send(what.data)
            if what.hangs_up:
                talk.finish()
            else:
                talk.say("LIST")
        except OSError:
            return Answer([], closed=True)
        return _listen(talk, what.hangs_up)


def _listen(talk: Talk, until_closed: bool) -> Answer:
    replies: list[tuple[str, Data]] = []
    try:
        while until_closed or not replies or (replies[-1][0] in REFUSALS and len(replies) < 2):
            replies.append(talk.hear())
    except TimeoutError:
        raise
    except OSError:
        return Answer(replies, closed=True)
    return Answer(replies, closed=False)


def objection(answer: Answer) -> str:
    """What is wrong with an answer, as a sentence; empty when nothing is."""
    refusals = [data for status, data in answer.replies if status in REFUSALS]
    if not refusals and not answer.closed:
        return f"it was let through: {answer.replies}"
    for data in refusals:
        if not data.get("code") or not data.get("message"):
            return f"the error says nothing: {data}"
        if "Traceback" in str(data["message"]):
            return f"the error shows our insides: {data}"
    return ""


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _frames()
    yield from _json()
    yield from _values()
    yield from _names()
    yield from _order()
    yield from _segments()


def _frames() -> Iterator[Attack]:
    for seat in (Seat.STRANGER, Seat.USER1, Seat.GREETED, Seat.USER2):
        for name, header in {
            "of 2^64-1 bytes": b"\xff" * 8,
            "of 2^63 bytes": b"\x80" + b"\0" * 7,
            "of 4 GiB": (1 << 32).to_bytes(8, "big"),
            "of 64 MiB": (64 << 20).to_bytes(8, "big"),
            "just over the limit": (65537).to_bytes(8, "big"),
        }.items():
            yield Attack(f"frame {name} from {seat.name}", seat, header + b"x" * 1000)
        yield Attack(f"empty frame from {seat.name}", seat, b"\0" * 8)
        yield Attack(f"half a header from {seat.name}", seat, b"\0\0\0", hangs_up=True)
        yield Attack(f"half a frame from {seat.name}", seat, message("LIST")[:-3], hangs_up=True)
    yield Attack("frame over a stranger's limit", Seat.STRANGER, (4097).to_bytes(8, "big") + b"x" * 4097)
    yield Attack("HTTP", Seat.STRANGER, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    yield Attack("TLS", Seat.STRANGER, bytes.fromhex("16030100c8010000c40303") + b"\x55" * 194)
    yield Attack("SSH", Seat.STRANGER, b"SSH-2.0-OpenSSH_9.2\r\n")
    yield Attack("zeros, hanging up", Seat.STRANGER, b"\0" * 7, hangs_up=True)


def _json() -> Iterator[Attack]:
    texts: dict[str, str | bytes] = {
        "no JSON": "hello",
        "cut JSON": '{"command": "LIST", "data": {',
        "not UTF-8": b'{"command": "LIST\xff", "data": {}}',
        "UTF-16": '{"command": "LIST", "data": {}}'.encode("utf-16"),
        "NaN": '{"command": "LIST", "data": {"a": NaN}}',
        "infinity": '{"command": "LIST", "data": {"a": -Infinity}}',
        "number beyond a double": '{"command": "LIST", "data": {"a": 1e999}}',
        "key twice": '{"command": "LIST", "command": "AUTH", "data": {}}',
        "key twice inside": '{"command": "AUTH", "data": {"username": "a", "username": "b"}}',
        "lone surrogate": r'{"command": "AUTH", "data": {"username": "\ud800", "password": "x"}}',
        "17 levels": '{"command": "LIST", "data": {"a": ' + "[" * 15 + "1" + "]" * 15 + "}}",
        "2,000 levels": "[" * 2000,
        "2,000 levels of objects": '{"a":' * 800,
        "a list": "[]",
        "a number": "1",
        "a string": '"LIST"',
        "null": "null",
        "nothing in it": "{}",
        "no command": '{"data": {}}',
        "command is a number": '{"command": 1, "data": {}}',
        "command is null": '{"command": null, "data": {}}',
        "data is a list": '{"command": "LIST", "data": []}',
        "data is a string": '{"command": "LIST", "data": "x"}',
        "unknown command": '{"command": "FORMAT", "data": {}}',
        "command in small letters": '{"command": "list", "data": {}}',
        "trailing bytes": '{"command": "LIST", "data": {}} {}',
        "byte order mark": b'\xef\xbb\xbf{"command": "LIST", "data": {}}',
    }
    for seat in (Seat.STRANGER, Seat.USER1, Seat.USER2):
        for name, text in texts.items():
            yield Attack(f"{name} from {seat.name}", seat, raw(text))


def _values() -> Iterator[Attack]:
    sizes: list[object] = [-1, 1.5, True, "10", None, [], 2**53, 2**64, 10**30, 1e300]
    for size in sizes:
        data = message("UPLOAD", filename="a", file_size=size, file_hash=DIGEST)
        yield Attack(f"file_size {size}", Seat.USER1, data)
        data = message("UPLOAD", upload_id="0123456789abcdef", path="a", size=size)
        yield Attack(f"size {size}", Seat.USER2, data)
    for digest in ("", "0" * 63, "0" * 65, "g" * 64, 0, None, "0" * 62 + "é"):
        data = message("UPLOAD", filename="a", file_size=1, file_hash=digest)
        yield Attack(f"file_hash {digest!r}", Seat.USER1, data)
        yield Attack(f"RESUME hash {digest!r}", Seat.USER1, message("RESUME", filename="a", file_hash=digest))
    starts: list[object] = [-1, 1, 2**64, 1.5, "0", True, None, []]
    for start in starts:
        data = message("DOWNLOAD", filename="nothing", start_byte=start)
        yield Attack(f"start_byte {start}", Seat.USER1, data)
    for upload_id in ("", "short", "x" * 65, "../../etc/passwd0000", "a b c d e f g h i j", 1, None):
        data = message("UPLOAD", upload_id=upload_id, path="a", size=1)
        yield Attack(f"upload_id {upload_id!r}", Seat.USER2, data)
    yield Attack("HELLO of version 1", Seat.STRANGER, message("HELLO", version=1))
    yield Attack("HELLO without version", Seat.STRANGER, message("HELLO"))
    yield Attack("AUTH without password", Seat.STRANGER, message("AUTH", username="admin"))
    yield Attack("AUTH with numbers", Seat.STRANGER, message("AUTH", username=1, password=2))
    yield Attack("AUTH with NUL", Seat.STRANGER, message("AUTH", username="admin\0", password="\0"))
    yield Attack("AUTH with SQL", Seat.STRANGER, message("AUTH", username="' OR 1=1 --", password="x"))
    yield Attack("unknown field", Seat.USER2, message("LIST", path="", colour="red"))
    yield Attack("cursor of nonsense", Seat.USER2, message("LIST", path="", cursor="%00'\"../"))
    yield Attack("limit 0", Seat.USER2, message("LIST", path="", limit=0))
    yield Attack("limit of a billion", Seat.USER2, message("LIST", path="", limit=10**9))


NAMES = {
    "empty": "",
    "root": "/",
    "absolute": "/etc/passwd",
    "dot": ".",
    "parent": "..",
    "climbing": "../../../etc/passwd",
    "climbing inside": "a/../../b",
    "dot inside": "a/./b",
    "double slash": "a//b",
    "trailing slash": "a/",
    "backslash": "..\\..\\windows",
    "NUL": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[2Jb",
    "delete": "a\x7fb",
    "C1 control": "a\x85b",
    "256 bytes": "x" * 256,
    "256 bytes of two-byte letters": "é" * 128,
    "256 bytes once composed": "e\u0301" * 128,
    "4097 bytes": "/".join(["x" * 240] * 17 + ["y"]),
    "surrogate": "a\ud800b",
}
"""None of these may ever become a file's name."""


def _names() -> Iterator[Attack]:
    for name, path in NAMES.items():
        yield Attack(
            f"UPLOAD to {name}", Seat.USER1, message("UPLOAD", filename=path, file_size=1, file_hash=DIGEST)
        )
        yield Attack(f"DOWNLOAD of {name}", Seat.USER1, message("DOWNLOAD", filename=path))
        yield Attack(f"RESUME of {name}", Seat.USER1, message("RESUME", filename=path, file_hash=DIGEST))
        yield Attack(
            f"version 2 UPLOAD to {name}",
            Seat.USER2,
            message("UPLOAD", upload_id="0123456789abcdef", path=path, size=1),
        )
        for command in ("VERSIONS", "DELETE", "MKDIR", "DOWNLOAD", "RESTORE"):
            yield Attack(f"{command} of {name}", Seat.USER2, message(command, path=path))
        yield Attack(f"MOVE to {name}", Seat.USER2, message("MOVE", path="some", to=path))
    values: list[object] = [1, None, True, [], {}]
    for value in values:
        yield Attack(
            f"filename {value}",
            Seat.USER1,
            message("UPLOAD", filename=value, file_size=1, file_hash=DIGEST),
        )


def _order() -> Iterator[Attack]:
    yield Attack("DOWNLOAD_CONFIRM from a stranger", Seat.STRANGER, message("DOWNLOAD_CONFIRM"))
    for command in ("LIST", "UPLOAD", "DOWNLOAD", "RESUME", "DELETE", "STAT", "PUT", "LOGOUT"):
        yield Attack(f"{command} from a stranger", Seat.STRANGER, message(command))
        yield Attack(f"{command} before the login", Seat.GREETED, message(command))
    yield Attack("HELLO after AUTH", Seat.USER1, message("HELLO", version=2))
    yield Attack("HELLO twice", Seat.USER2, message("HELLO", version=2))
    yield Attack("DOWNLOAD_CONFIRM in version 2", Seat.USER2, message("DOWNLOAD_CONFIRM"))
    yield Attack("version 2's DELETE in version 1", Seat.USER1, message("DELETE", path="a"))
    yield Attack("DATA from a stranger", Seat.STRANGER, frame(DATA, b"x" * 10))
    for kind in (DATA, END, ABORT, 9, 255):
        yield Attack(f"kind {kind} where a message is due", Seat.USER2, frame(kind, b"{}"))
        yield Attack(f"kind {kind} in version 1", Seat.USER1, frame(kind, b"{}"))


def _segments() -> Iterator[Attack]:
    seat = Seat.SENDING2
    yield Attack("message in a body", seat, message("LIST"), hangs_up=True)
    yield Attack("kind 9 in a body", seat, frame(9, b"x"), hangs_up=True)
    yield Attack("segment of 4 GiB", seat, b"\1\0\0\0\xff\xff\xff\xff" + b"x" * 100, hangs_up=True)
    yield Attack("segment just over the limit", seat, b"\1\0\0\0\0\x40\0\1" + b"x" * 100, hangs_up=True)
    yield Attack("segment with rubbish in its header", seat, b"\1\1\1\1\0\0\0\1x", hangs_up=True)
    yield Attack("half a segment", seat, b"\1\0\0\0\0\0\0\x50" + b"x" * 10, hangs_up=True)
    yield Attack(
        "more than the promised size", seat, frame(DATA, b"x" * 101) + frame(END, b"{}"), hangs_up=True
    )
    for name, body in {
        "of nothing": b"",
        "of no JSON": b"hello",
        "of a list": b"[]",
        "without size": b"{}",
        "with a negative size": b'{"size":-1}',
        "with size true": b'{"size":true}',
        "with another size": json.dumps({"size": 50, "digest": DIGEST}).encode(),
        "too soon": json.dumps({"size": 100, "digest": DIGEST}).encode(),
        "with a bad digest": b'{"size":0,"digest":"x"}',
        "with an unknown field": b'{"size":0,"colour":1}',
        "too long": b"{" + b" " * 70_000 + b"}",
    }.items():
        yield Attack(f"END {name}", seat, frame(END, body), hangs_up=True)
        yield Attack(f"ABORT {name}", seat, frame(ABORT, body), hangs_up=True)
    yield Attack("PUT of negative size", Seat.USER2, _put(-1))
    yield Attack("PUT of 1 TiB", Seat.USER2, _put(1 << 40))
    yield Attack("PUT of an unknown field", Seat.USER2, message("PUT", files=[], colour=1))


def _put(size: int) -> bytes:
    file = {"upload_id": "0123456789abcdef", "path": "a", "size": size, "digest": DIGEST}
    return message("PUT", files=[file])
