"""Good input with something wrong in it: bytes, JSON values and lengths that an attacker would try."""

import json
import random
from collections.abc import Sequence
from typing import Any

from fileshare.wire.frames import HEADER_SIZE, Kind, pack

NASTY: Sequence[Any] = (
    None, True, -1, 0, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400, 1e308, -0.0, 0.5,
    "", " ", "a" * 300, "a/" * 2100, "..", "../../etc/passwd", "/", "\x00", "a\x00b", "\\", "C:\\x", "\ud800",
    "\u202e", "e\u0301" * 120, "%00", "a\nb", "\x1b[2J", "<script>", "' OR 1=1 --", "keep-both", "replace",
    [], {}, [[]], {"a": {}}, [None] * 50,
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\r\n",
    b"\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b"-",
    b"=",
    b";",
    b"%",
    b"\x7f",
)


def spoil(chance: random.Random, good: bytes) -> bytes:
    """A few bytes changed, taken out, put in or said twice."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.choice(BYTES) * chance.choice((1, 1, 1, 2, 50))
            case 2:
                del data[at : at + chance.choice((1, 1, 8, 64))]
            case 3:
                data[at:at] = data[chance.randrange(len(data) + 1) :][:64]
            case _:
                data[at : at + 4] = chance.randbytes(4)
    return bytes(data)


def spoil_frame(chance: random.Random, frame: bytes) -> bytes:
    """A frame with wrong bytes, or with a wrong value and a right length, or with a wrong length alone."""
    kind = chance.randrange(8)
    if kind == 0:
        return spoil(chance, frame)
    if kind == 1:
        length = chance.choice((0, 1, len(frame), 4096, 4097, 65_537, 2**31, 2**32 - 1))
        return pack(Kind(chance.randrange(4)), length) + frame[HEADER_SIZE:]
    body = spoil(chance, frame[HEADER_SIZE:]) if kind == 2 else _with_wrong_value(chance, frame[HEADER_SIZE:])
    return pack(Kind.MESSAGE, len(body)) + body


def _with_wrong_value(chance: random.Random, body: bytes) -> bytes:
    message = json.loads(body)
    fields = message.get("data")
    if not fields or chance.randrange(10) == 0:
        message[chance.choice(("command", "data", "x"))] = chance.choice(NASTY)
    else:
        name = chance.choice([*fields, "x"])
        if chance.randrange(8) == 0:
            fields.pop(name, None)
        else:
            fields[name] = chance.choice(NASTY)
    return json.dumps(message).encode()
