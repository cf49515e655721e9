"""GET and HEAD of a file: whole or by ranges, so that any client can go on where it stopped.

A body that ends early always ends with the connection, and never looks whole. Nothing
that is served here may run as a page of ours.
"""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime

from aiohttp import web

from fileshare.domain.names import name_of
from fileshare.errors import BadOffset, BadRequest, Conflict
from fileshare.services.files import Download
from fileshare.web.conditions import Validators, Verdict, judge, range_applies, validators_of
from fileshare.web.digests import repr_digest
from fileshare.web.disposition import SANDBOX, disposition_of, kind_of, may_show
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.origin import local_url
from fileshare.web.paths import path_of
from fileshare.web.ranges import Span, parse_ranges
from fileshare.web.sinks import ResponseSink, in_full_packets

Piece = bytes | Span
"""Our own words between the parts of several ranges, or bytes of the file."""

_NUMBER_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and the headers that say so."""

    status: int
    headers: Mapping[str, str]
    pieces: Sequence[Piece]

    @property
    def length(self) -> int:
        """Bytes in all."""
        return sum(piece.length if isinstance(piece, Span) else len(piece) for piece in self.pieces)


async def download(request: web.Request) -> web.StreamResponse:
    """A file, or the version `?version=N` of it; `?inline=1` shows what may be shown."""
    path, version = path_of(request), version_of(request)
    try:
        found = await services_of(request).files.open(caller_of(request), path, version)
    except Conflict:  # a folder, whose URL ends with a slash
        raise web.HTTPSeeOther(_with_slash(request)) from None
    known = validators_of(found.version, time.time_ns() // 1_000_000)
    headers = _headers(request, found, known)
    match judge(request, known):
        case Verdict.FAILED:
            raise web.HTTPPreconditionFailed()
        case Verdict.NOT_MODIFIED:
            return web.Response(status=304, headers=headers)
    spans = _asked_for(request, found, known)
    if spans is not None and not spans:
        return _unsatisfiable(found, known)
    return await _send(request, found, headers, _body(found, headers, spans))


def _with_slash(request: web.Request) -> str:
    url = request.rel_url
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return local_url(request, f"{url.raw_path}/{query}")


def version_of(request: web.Request) -> int | None:
    """What `?version=N` asks for, None for the current one. Raises BadRequest."""
    told = request.query.get("version")
    return None if told is None else version_number(told)


def version_number(told: str) -> int:
    """The number of a version as somebody wrote it. Raises BadRequest."""
    if not (told.isascii() and told.isdigit() and len(told) <= _NUMBER_DIGITS):
        raise BadRequest("A version is a number: 1 is the first one.")
    return int(told)


def _headers(request: web.Request, found: Download, known: Validators) -> dict[str, str]:
    """What every answer says of the file, with a body or without."""
    name = name_of(found.path)
    inline = request.query.get("inline") == "1" and may_show(name)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition_of(name, inline=inline),
        "Content-Security-Policy": SANDBOX,
        "Content-Type": kind_of(name),
        "ETag": known.etag,
        "Fileshare-Version": str(found.version.number),
        "Repr-Digest": repr_digest(known.digest),
    }
    if known.modified is not None:
        headers["Last-Modified"] = format_datetime(known.modified, usegmt=True)
    return headers


def _asked_for(request: web.Request, found: Download, known: Validators) -> Sequence[Span] | None:
    """The ranges, None for the whole. Range means nothing but for GET (RFC 9110, 14.2)."""
    if request.method != "GET" or not range_applies(request, known):
        return None
    return parse_ranges(request.headers.getall("Range", ()), found.version.size)


def _unsatisfiable(found: Download, known: Validators) -> web.Response:
    size = found.version.size
    error = {"code": BadOffset.code, "message": f"The file has {size} bytes, and the range lies beyond them."}
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes */{size}", "ETag": known.etag}
    return web.json_response({"error": error}, status=416, headers=headers)


def _body(found: Download, headers: Mapping[str, str], spans: Sequence[Span] | None) -> Body:
    size = found.version.size
    if spans is None:
        return Body(200, {}, [Span(0, size)])
    if len(spans) == 1:
        return Body(206, {"Content-Range": _content_range(spans[0], size)}, spans)
    return _several(spans, size, headers["Content-Type"])


def _several(spans: Sequence[Span], size: int, kind: str) -> Body:
    """multipart/byteranges (RFC 9110, 14.6). The boundary can't be in a file that anyone chose."""
    boundary = secrets.token_hex(16)
    pieces: list[Piece] = []
    for span in spans:
        lines = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {_content_range(span, size)}\r\n\r\n"
        pieces += [lines.encode(), span, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(206, {"Content-Type": f"multipart/byteranges; boundary={boundary}"}, pieces)


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size}"


async def _send(
    request: web.Request, found: Download, headers: Mapping[str, str], body: Body
) -> web.StreamResponse:
    response = web.StreamResponse(status=body.status, headers={**headers, **body.headers})
    response.content_length = body.length
    with in_full_packets(request.transport):
        await response.prepare(request)
        if request.method != "HEAD":
            await _send_pieces(request, response, found, body.pieces)
        await response.write_eof()
    return response


async def _send_pieces(
    request: web.Request, response: web.StreamResponse, found: Download, pieces: Iterable[Piece]
) -> None:
    services = services_of(request)
    sink = ResponseSink(request, response, services.settings.stall_seconds)
    for piece in pieces:
        if isinstance(piece, Span):
            await services.files.send(found, piece.start, piece.stop, sink)
        else:
            await sink.write(piece)
