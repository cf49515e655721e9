"""POST to `/tus/`: a new upload, perhaps with its first bytes."""

from contextlib import suppress

from aiohttp import web

from fileshare.domain.model import Receipt, Upload
from fileshare.errors import BadRequest, DigestMismatch, FileshareError
from fileshare.services.writer import Writer
from fileshare.web.bodies import RequestBody
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.tus import answers, metadata, pieces
from fileshare.web.tus.concatenation import concat_of, is_final, join, piece
from fileshare.web.tus.lengths import length_of
from fileshare.web.tus.notes import Note
from fileshare.web.tus.protocol import check_type, check_version, method_of, options


async def create(request: web.Request) -> web.Response:
    """201 with the upload's URL. An empty file, and one that came whole, is stored by then.

    With an id in the metadata that the client used before, its upload is told again, and how far that
    is: who missed the first answer makes no second file. The bytes of such a request are not read.
    """
    method = method_of(request)
    if method == "OPTIONS":
        return await options(request)
    if method != "POST":
        raise web.HTTPMethodNotAllowed(method, ("POST",))
    check_version(request)
    concat, told = concat_of(request), request.headers.get("Upload-Metadata", "")
    pairs, note = metadata.parse(told), Note(told, concat).text()
    if is_final(concat):
        return await join(request, metadata.new_upload(pairs, None, note), concat)
    size = length_of(request)
    new = piece(size, note) if concat else metadata.new_upload(pairs, size, note)
    if request.can_read_body:
        check_type(request)
    body = pieces.body_of(request)
    begun = await services_of(request).uploads.begin(caller_of(request), new, body.stop)
    upload_id = begun.upload_id if isinstance(begun, Receipt) else begun.upload.id
    found = begun if isinstance(begun, Receipt) else await _first_bytes(request, begun, body)
    headers = {**answers.told(request, found), "Location": answers.location(request, upload_id)}
    return web.Response(status=201, headers=headers)


async def _first_bytes(request: web.Request, writer: Writer, body: RequestBody) -> Upload | Receipt:
    """What came with the request. Who was wrong never learns the URL, so nothing is left behind.

    Whoever only had bad luck can find the upload again: by the id in the metadata, or by path and digest.
    """
    if writer.offset:
        return await pieces.settle_or_release(request, writer)
    upload_id = writer.upload.id
    try:
        return await pieces.receive(request, writer, body)
    except (BadRequest, DigestMismatch):
        with suppress(FileshareError):
            await services_of(request).uploads.abort(caller_of(request), upload_id)
        raise
