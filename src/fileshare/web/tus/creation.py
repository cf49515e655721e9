"""POST to `/tus/`: a new upload, perhaps with its first bytes."""

from contextlib import suppress

from aiohttp import web

from fileshare.domain.model import Receipt, Upload
from fileshare.errors import Conflict, ConnectionLost, FileshareError
from fileshare.services.writer import Writer
from fileshare.web.bodies import RequestBody
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.tus import answers, metadata, pieces
from fileshare.web.tus.lengths import length_of
from fileshare.web.tus.notes import Note
from fileshare.web.tus.protocol import check_type, check_version


async def create(request: web.Request) -> web.Response:
    """201 with the upload's URL. An empty file, and one that came whole, is stored by then."""
    check_version(request)
    told = request.headers.get("Upload-Metadata", "")
    new = metadata.new_upload(metadata.parse(told), length_of(request), Note(told).text())
    if request.can_read_body:
        check_type(request)
    body = pieces.body_of(request)
    writer = await services_of(request).uploads.begin(caller_of(request), new, body.stop)
    if isinstance(writer, Receipt):
        raise Conflict("This upload was stored before.")  # only an upload with a client's id can be
    upload_id = writer.upload.id
    found = await _first_bytes(request, writer, body)
    headers = {**answers.told(request, found), "Location": answers.location(request, upload_id)}
    return web.Response(status=201, headers=headers)


async def _first_bytes(request: web.Request, writer: Writer, body: RequestBody) -> Upload | Receipt:
    """What came with the request. Who is refused never learns the URL, so nothing is left behind."""
    upload_id = writer.upload.id
    try:
        return await pieces.receive(request, writer, body)
    except ConnectionLost:
        raise  # by path and digest it can still be found and finished
    except FileshareError:
        with suppress(FileshareError):
            await services_of(request).uploads.abort(caller_of(request), upload_id)
        raise
