"""POST of an HTML form with files: uploading without JavaScript.

Streamed part by part, never held in memory. Each file is an upload of its own, so that
those before a failure are stored, and the folder's page shows them.
"""

import asyncio
from collections.abc import Sequence

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import LineTooLong

from fileshare.domain.model import Receipt
from fileshare.domain.names import join, parse_folder
from fileshare.errors import BadRequest, Conflict, ConnectionLost, FileshareError
from fileshare.services.new_uploads import NewUpload
from fileshare.services.writer import Writer
from fileshare.web import csrf
from fileshare.web.bodies import LOST, PIECE, StallLimit, Stopped, ask_for_body
from fileshare.web.failures import wants_page
from fileshare.web.identity import caller_of, uses_cookie
from fileshare.web.keys import services_of
from fileshare.web.paths import path_of
from fileshare.web.raw_uploads import conflicts_of
from fileshare.web.receipts import receipt_json
from fileshare.web.receiving import receive
from fileshare.web.redirects import see

FILE_FIELD = "file"
OVERWRITE_FIELD = "overwrite"

MAX_FIELD = 4096
"""Bytes of a field that is no file: a token is some eighty."""

MAX_PARTS = 1000
"""Parts of one form. Browsers send no more files than somebody chose."""

MAX_PREAMBLE = 16 << 10
"""Bytes before the first part, which are passed over (RFC 2046, 5.1.1). Nobody sends any."""

MAX_HEADERS = 16
"""Of one part; forms have two or three."""

_PLAIN = ("binary", "8bit", "7bit")


@csrf.checks_token_itself
async def post(request: web.Request) -> web.Response:
    """Store the files of a form in the folder of the URL; 303 back to it, JSON for programs."""
    if request.content_type != "multipart/form-data":
        raise BadRequest("This takes a form with files (multipart/form-data).")
    form = _Form(request, parse_folder(path_of(request)))
    receipts = await form.store()
    if not receipts:
        raise BadRequest("The form holds no file: choose one.")
    if wants_page(request):
        return see(request, request.rel_url.raw_path, done="uploaded")
    return web.json_response({"files": [receipt_json(receipt) for receipt in receipts]}, status=201)


class _Form:
    """One form on its way in."""

    def __init__(self, request: web.Request, folder: str) -> None:
        self._request = request
        self._folder = folder
        self._conflicts = conflicts_of(request.query.get("overwrite", ""))
        # A header was checked before the handler ran.
        self._needs_token = uses_cookie(request) and csrf.HEADER not in request.headers
        self._stall = StallLimit(services_of(request).settings.stall_seconds)

    async def store(self) -> Sequence[Receipt]:
        """Every file, in order. Raises as `Uploads.begin` and `receive`, and Forbidden without the token."""
        await ask_for_body(self._request)
        reader = _reader(self._request)
        receipts: list[Receipt] = []
        for _ in range(MAX_PARTS):
            part = await self._next(reader)
            if part is None:
                return receipts
            await self._take(part, receipts)
            await asyncio.sleep(0)  # a thousand empty parts come in one piece, and others wait
        raise BadRequest(f"The form has more than {MAX_PARTS} parts: send fewer files at a time.")

    async def _take(self, part: BodyPartReader, receipts: list[Receipt]) -> None:
        if self._needs_token:
            csrf.check_token(self._request, await self._text(part) if part.name == csrf.FIELD else "")
            self._needs_token = False
        elif part.name == OVERWRITE_FIELD:
            self._conflicts = conflicts_of(await self._text(part))
        elif part.name == FILE_FIELD and part.filename:
            receipts.append(await self._store(part, part.filename))

    async def _next(self, reader: MultipartReader) -> BodyPartReader | None:
        """Raises BadRequest for what is no form, ConnectionLost when it ends within."""
        try:
            async with self._stall.bounded():
                part = await reader.next()
        except LOST as error:
            raise ConnectionLost() from error
        except ValueError:
            raise _broken() from None
        if isinstance(part, MultipartReader):
            raise BadRequest("The form has a form within: send each file as a part of its own.")
        return part

    async def _text(self, part: BodyPartReader) -> str:
        body = _PartBody(part, self._stall)
        data = b""
        while len(data) <= MAX_FIELD and (more := await body.read(PIECE)):
            data += more
        if len(data) > MAX_FIELD:
            raise BadRequest(f"The field {part.name} is longer than {MAX_FIELD} bytes.")
        return data.decode(errors="replace")

    async def _store(self, part: BodyPartReader, filename: str) -> Receipt:
        body = _PartBody(part, self._stall)
        path = join(self._folder, base_name(filename))
        new = NewUpload(path=path, on_conflict=self._conflicts)
        writer = await services_of(self._request).uploads.begin(
            caller_of(self._request), new, self._stall.stop
        )
        if not isinstance(writer, Writer):
            raise Conflict("This upload was stored before.")  # only an upload with a client's id can be
        return await receive(writer, body)


class _Reader(MultipartReader):
    """As aiohttp's, but for what stands before the first part."""

    async def _read_until_first_boundary(self) -> None:
        """By the boundary: line by line, as aiohttp does it, 9 MB held the loop for a second."""
        left = MAX_PREAMBLE
        try:
            while left > 0:
                before = await self._content.readuntil(self._boundary, max_size=left)
                rest = await self._content.readline(max_line_length=left)
                if not before.endswith(self._boundary):
                    break  # the end of the body
                begins_line = before == self._boundary or before.endswith(b"\n" + self._boundary)
                if begins_line and rest.rstrip() in (b"", b"--"):
                    self._at_eof = rest.rstrip() == b"--"
                    return
                left -= len(before) + len(rest)
                await asyncio.sleep(0)
        except LineTooLong:
            pass
        raise ValueError("No part begins where one should.")


def _reader(request: web.Request) -> MultipartReader:
    if not request.can_read_body:
        raise _broken()
    try:
        return _Reader(request.headers, request.content, max_headers=MAX_HEADERS)
    except (ValueError, AssertionError):
        raise _broken() from None


def _broken() -> FileshareError:
    return BadRequest("The form can't be read: it ends early, or its parts are not separated as announced.")


def base_name(filename: str) -> str:
    """The last name of what a browser calls the file; some send a whole path of their own machine.

    Browsers write a quotation mark as %22 and nothing else so (HTML, "multipart form data").
    """
    return filename.replace("\\", "/").rpartition("/")[2].replace("%22", '"')


class _PartBody:
    """One part of a form as a source of bytes."""

    def __init__(self, part: BodyPartReader, stall: StallLimit) -> None:
        coding = part.headers.get("Content-Transfer-Encoding", "binary").lower()
        if coding not in _PLAIN or "Content-Encoding" in part.headers:
            raise BadRequest("Send the files' own bytes: codings of parts are not taken here.")
        self._part = part
        self._stall = stall
        self._rest = b""

    @property
    def whole(self) -> bool:
        """Whether the part's boundary has come."""
        return self._part.at_eof() and not self._rest

    async def read(self, limit: int) -> bytes:
        """The next bytes; empty at the end, whole or not. Raises BadRequest, ConnectionLost after a stall."""
        data = self._rest or await self._more()
        self._rest = data[limit:]
        return data[:limit]

    async def _more(self) -> bytes:
        """A piece as large as aiohttp gives: it can't read less than a boundary's length."""
        try:
            async with self._stall.bounded():
                while not self._part.at_eof():
                    if data := await self._part.read_chunk(PIECE):
                        return bytes(data)
        except (Stopped, *LOST):
            pass
        except ValueError:
            raise _broken() from None
        return b""
