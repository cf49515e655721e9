"""What reads strangers' input, each as one function of bytes that may raise nothing at all."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from types import MappingProxyType
from unittest import mock

from aiohttp import BodyPartReader, StreamReader, hdrs, web
from multidict import CIMultiDict

from fileshare.domain import names
from fileshare.errors import FileshareError, ProtocolError
from fileshare.storage import cursors
from fileshare.web import digests, form_uploads, origin, ranges
from fileshare.web.bodies import LOST, PIECE
from fileshare.web.tus import checksums, lengths, metadata
from fileshare.wire import codec
from fileshare.wire.connection import ClientConnection
from fileshare.wire.states import State
from tests.wire.pump import Pump, ServerPump
from tests.wire.samples import REPLIES, REQUESTS, sample
from tests.wire.test_states import client_in, server_in

Target = Callable[[bytes], None]

STATES = tuple(State)
REQUEST_FRAMES = tuple(codec.encode_request(sample(form)) for form in REQUESTS)
REPLY_FRAMES = tuple(codec.encode_reply(sample(form)) for form in REPLIES)


def server(data: bytes) -> None:
    """A server's end of the wire, in the state that the first byte names."""
    state = STATES[data[0] % len(STATES)] if data else State.FRESH
    with suppress(ProtocolError):
        ServerPump(
            server_in(state, anonymous=bool(data[:1] > b"\x7f")), lambda *_: None, forgiving=True
        ).feed(data[1:])


def client(data: bytes) -> None:
    """A client's end, with some request under way."""
    form = REQUESTS[data[0] % len(REQUESTS)] if data else REQUESTS[0]
    wire: ClientConnection = client_in(State.IDLE2, *([form] if form.protocol == 2 else []))
    with suppress(ProtocolError):
        Pump(wire).feed(data[1:])


def json_text(data: bytes) -> None:
    """Strict JSON, and the envelope."""
    with suppress(ProtocolError):
        codec.open_envelope(data)


def path(data: bytes) -> None:
    """Names: what is taken is taken again as it is, and so are the names made of it."""
    for text in (data.decode("utf-8", "surrogateescape"), data.decode("utf-16", "replace")):
        with suppress(FileshareError):
            taken = names.parse_path(text)
            assert names.parse_path(taken) == taken
            name = names.numbered(names.name_of(taken), 2)
            assert names.parse_path(name) == name
            assert ".." not in taken.split("/")


def range_header(data: bytes) -> None:
    """Range: never a byte beyond the file, never more than the file."""
    size = int.from_bytes(data[:2], "big")
    spans = ranges.parse_ranges([data[2:].decode("latin-1")], size)
    for span in spans or ():
        assert 0 <= span.start < span.stop <= size
    assert sum(span.length for span in spans or ()) <= size


TUS_HEADERS = (
    "Upload-Length",
    "Upload-Offset",
    "Upload-Checksum",
    "Repr-Digest",
    "Content-Digest",
    "Digest",
)


def _request(headers: Mapping[str, str]) -> web.Request:
    """As far as headers go: aiohttp keeps bytes that are no UTF-8 as surrogates, its mocks can't."""
    request: web.Request = mock.Mock(headers=CIMultiDict(headers))
    return request


def tus_headers(data: bytes) -> None:
    """Upload-Metadata, -Length, -Offset, -Checksum, and the digest headers."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(FileshareError, web.HTTPException):
        metadata.new_upload(metadata.parse(text), None, "")
    headers = dict.fromkeys(TUS_HEADERS, text)
    request = _request(headers)
    for name in ("Upload-Length", "Upload-Offset"):
        with suppress(FileshareError, web.HTTPException):
            number = lengths.number_of(request, name)
            assert number is None or 0 <= number < 2**63
    for read in (checksums.checksum_of, digests.promised_digest):
        with suppress(FileshareError, web.HTTPException):
            read(request)


def host(data: bytes) -> None:
    """Host, which is read before anyone is known."""
    request = _request({"Host": data.decode("utf-8", "surrogateescape")})
    with suppress(ValueError):
        origin.host_name(request)


def cursor(data: bytes) -> None:
    """The place in a list that a client gives back."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(FileshareError):
        cursors.decode(text)
    with suppress(FileshareError):
        cursors.decode_names(text)


def form(data: bytes) -> None:
    """A multipart form, until its end."""
    _loop().run_until_complete(_read_form(data))


async def _read_form(data: bytes) -> None:
    content = StreamReader(mock.Mock(_reading_paused=False), 2**16, loop=asyncio.get_running_loop())
    content.feed_data(data)
    content.feed_eof()
    headers = CIMultiDict({hdrs.CONTENT_TYPE: "multipart/form-data; boundary=x"})
    reader = form_uploads._Reader(headers, content, max_headers=form_uploads.MAX_HEADERS)
    with suppress(ValueError, *LOST):
        while part := await reader.next():
            while isinstance(part, BodyPartReader) and not part.at_eof():
                await part.read_chunk(PIECE)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\nabc\r\n--x\r\n'
    b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
)

TARGETS: Mapping[str, tuple[Target, tuple[bytes, ...]]] = MappingProxyType(
    {
        "server": (server, tuple(b"\x00" + one for one in REQUEST_FRAMES)),
        "client": (client, tuple(b"\x00" + one for one in REPLY_FRAMES)),
        "json": (json_text, tuple(one[8:] for one in (*REQUEST_FRAMES, *REPLY_FRAMES))),
        "path": (path, (b"a/b.txt", "é/e\u0301".encode(), b".env", b"a.tar.gz", b"x" * 255)),
        "range": (range_header, (b"\x00\xffbytes=0-1,5-,-3", b"\x01\x00bytes=0-", b"\x00\x00bytes=-1")),
        "tus": (
            tus_headers,
            (
                b"filename YS50eHQ=,sha256 MDA=",
                b"123",
                b"sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                b"sha-256=:AAAA:",
            ),
        ),
        "host": (host, (b"localhost:5000", b"[::1]:5000", b"files.example")),
        "cursor": (cursor, (cursors.encode(["a", 1]).encode(), cursors.encode([2**62]).encode())),
        "form": (form, (FORM,)),
    }
)
"""Each with the good input that mutations begin from."""
