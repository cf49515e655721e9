"""PUT of a file with its bare bytes as the body, as `curl -T` sends it.

An upload like every other, by the same service: checked before the first byte, durable
when it is answered, and never a part of a file in the file's place.
"""

from contextlib import suppress

from aiohttp import web

from fileshare.domain.model import File, OnConflict
from fileshare.errors import BadName, BadRequest, Conflict, NotFound
from fileshare.services.new_uploads import NewUpload
from fileshare.services.writer import Writer
from fileshare.web.bodies import RequestBody
from fileshare.web.conditions import Verdict, judge_change
from fileshare.web.digests import promised_digest
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.paths import path_of
from fileshare.web.receipts import receipt_headers, receipt_json
from fileshare.web.receiving import receive


async def put(request: web.Request) -> web.Response:
    """Store the body: 201 for a new file, 200 for a new version. `?overwrite=1` makes one."""
    _refuse_pieces(request)
    new = NewUpload(
        path=_path_of_file(request),
        size=request.content_length,
        digest=promised_digest(request),
        on_conflict=conflicts_of(request.query.get("overwrite", "")),
    )
    await _check_conditions(request, new)
    services = services_of(request)
    body = RequestBody(request, services.settings.stall_seconds)
    writer = await services.uploads.begin(caller_of(request), new, body.stop)
    if not isinstance(writer, Writer):
        raise Conflict("This upload was stored before.")  # only an upload with a client's id can be
    receipt = await receive(writer, body)
    status = 201 if receipt.version == 1 else 200
    return web.json_response(receipt_json(receipt), status=status, headers=receipt_headers(request, receipt))


def _path_of_file(request: web.Request) -> str:
    if request.rel_url.raw_path.endswith("/"):
        raise BadName("The address ends with '/', as a folder's: write the file's name behind it.")
    return path_of(request)


def conflicts_of(told: str) -> OnConflict:
    """What `overwrite` says, in a URL or a form. Raises BadRequest."""
    match told.lower():
        case "" | "0" | "false":
            return OnConflict.KEEP_BOTH
        case "1" | "true" | "on":
            return OnConflict.REPLACE
    raise BadRequest("overwrite is 1 or 0.")


def _refuse_pieces(request: web.Request) -> None:
    """A piece must never be taken for the file (RFC 9110, 14.5); `curl -C - -T` sends one."""
    if "Content-Range" in request.headers:
        raise BadRequest("PUT takes whole files: resume with fileshare-client, or by tus at /tus/.")


async def _check_conditions(request: web.Request, new: NewUpload) -> None:
    """If-Match and If-None-Match, before the first byte. Raises 412.

    A change during the transfer is not noticed; it costs nothing, since no content is ever lost.
    """
    if "If-Match" not in request.headers and "If-None-Match" not in request.headers:
        return
    digest = None
    with suppress(NotFound):
        entry = await services_of(request).files.entry(caller_of(request), new.path)
        digest = entry.version.digest if isinstance(entry, File) else None
    if judge_change(request, digest) is Verdict.FAILED:
        raise web.HTTPPreconditionFailed()
