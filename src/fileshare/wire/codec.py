"""Strict JSON, for both doors and both ends: one parser, and nothing it lets through in silence.

UTF-8 only, no NaN or Infinity, no duplicate keys, no lone surrogates, no booleans
where integers are meant, and no nesting deeper than the limit. msgspec's typed
decoding does most of it; duplicate keys and depth it does not see (0.22, measured),
so the structure is walked once before.
"""

import json
import re
from collections.abc import Iterable, Sequence
from math import isinf
from typing import Any, NoReturn, TypeVar

import msgspec

from fileshare.errors import BadRequest, ProtocolError
from fileshare.wire.frames import Kind, pack
from fileshare.wire.messages import FileList, ListedFile, Reply, Request

MAX_DEPTH = 16
"""No message of ours nests deeper than 4; a parser's own limit is the C stack."""

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""Possessive, and taking an unclosed string to the end: 64 KiB of quotes held the old pattern for 15 s."""

_BRACKETS = re.compile(rb"[\[\]{}]")

_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"\\'))

T = TypeVar("T")


class Envelope(msgspec.Struct):
    """The outside of every message; unknown neighbours of `data` are ignored."""

    data: msgspec.Raw = msgspec.Raw(b"{}")
    command: str = ""
    status: str = ""


class Envelope2(msgspec.Struct, forbid_unknown_fields=True):
    """The outside of a version 2 request, which holds nothing else."""

    command: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


_ENVELOPE = msgspec.json.Decoder(Envelope)


def open_envelope(raw: bytes, max_depth: int = MAX_DEPTH) -> Envelope:
    """The envelope of a message. Raises ProtocolError when `raw` is not strict JSON of that form."""
    check_structure(raw, max_depth)
    try:
        return _ENVELOPE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"The message has not the form of one: {error}.") from None


def check_structure(raw: bytes, max_depth: int = MAX_DEPTH) -> None:
    """Refuse, as ProtocolError, what typed decoding lets through: depth, duplicate keys, NaN, overflow."""
    if not _flat(raw, max_depth) and _too_deep(raw, max_depth):
        raise ProtocolError(f"The JSON nests deeper than {max_depth} levels.")
    try:
        _STRICT.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ProtocolError("The message is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ProtocolError(f"The message is not JSON: {error}.") from None
    except ValueError:
        raise ProtocolError("The message has a number of more digits than any size or time has.") from None


def _flat(raw: bytes, max_depth: int) -> bool:
    """Whether a glance shows that it nests no deeper: a fifth of the time for long lists of small objects.

    What is left of strings without brackets are two quotes, which go; a quote that stays
    was one of a string with brackets, and then, or where one may be escaped, nothing is sure.
    """
    left = raw.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in left or b"\\" in left:
        return False
    left = left.replace(b"{}", b"")  # one level, which `<` leaves room for
    return left.count(b"[") + left.count(b"{") < max_depth


def _too_deep(raw: bytes, most: int) -> bool:
    """Looks no further than the first bracket too many: a megabyte of them took 1 s to count."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > most:
            return True
    return False


def _no_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ProtocolError("An object has the same key twice.")


def _finite(text: str) -> None:
    if isinf(float(text)):
        raise ProtocolError(f"The number {text[:40]} is too large.")


def _no_constant(name: str) -> NoReturn:
    raise ProtocolError(f"{name} is not a JSON number.")


_STRICT = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)
"""Made once: one for each message took a quarter of the time of a small one, and memory that stayed."""


_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _decoder(form: type[T]) -> msgspec.json.Decoder[T]:
    if form not in _DECODERS:
        _DECODERS[form] = msgspec.json.Decoder(form)
    return _DECODERS[form]


def decode_data(data: msgspec.Raw | bytes, form: type[T]) -> T:
    """The data of a message as its struct. Raises BadRequest, which names the field that was wrong."""
    try:
        return _decoder(form).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request is not understood: {error}.") from None


def refuse_strangers(raw: bytes) -> None:
    """Refuse, as BadRequest, a version 2 request with anything beside `command` and `data`."""
    decode_data(raw, Envelope2)


def decode_body(raw: bytes, form: type[T]) -> T:
    """A whole JSON text as a struct, as END and ABORT hold it. Raises ProtocolError."""
    check_structure(raw)
    try:
        return _decoder(form).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"The segment has not the form of one: {error}.") from None


_ENCODER = msgspec.json.Encoder()


def encode_request(request: Request) -> bytes:
    """A request as a frame, header included."""
    return _frame(b'{"command":"%b","data":' % request.command.encode(), request)


def encode_reply(reply: Reply) -> bytes:
    """A reply as a frame, header included."""
    return _frame(b'{"status":"%b","data":' % reply.status.encode(), reply)


def encode_listed(files: Sequence[ListedFile]) -> bytes:
    """Some of the files of a LIST, as they stand in its answer."""
    return _ENCODER.encode(files)[1:-1]


def encode_list(pieces: Iterable[bytes]) -> list[bytes]:
    """The answer to a LIST of what `encode_listed` made, as the pieces of a frame, header included.

    A hundred thousand files encoded at once would hold everybody else for 50 ms.
    """
    listed = [part for piece in pieces if piece for part in (b",", piece)][1:]
    body = [b'{"status":"%b","data":{"files":[' % FileList.status.encode(), *listed, b"]}}"]
    return [pack(Kind.MESSAGE, sum(map(len, body))), *body]


def _frame(head: bytes, message: msgspec.Struct) -> bytes:
    body = b"%b%b}" % (head, _ENCODER.encode(message))
    return pack(Kind.MESSAGE, len(body)) + body


def encode_segment(kind: Kind, body: msgspec.Struct) -> bytes:
    """END or ABORT as a frame, header included."""
    raw = _ENCODER.encode(body)
    return pack(kind, len(raw)) + raw
