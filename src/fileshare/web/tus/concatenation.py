"""Upload-Concat: uploads that are pieces of one file, and the request that joins them."""

import re
from collections.abc import Sequence

from aiohttp import web

from fileshare.errors import BadRequest, DigestMismatch
from fileshare.services.new_uploads import NewUpload
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.tus import answers
from fileshare.web.tus.refusals import ChecksumMismatch

HEADER = "Upload-Concat"
PARTIAL = "partial"
FINAL = "final;"

_PIECE = re.compile(r"[!-~]*/tus/([0-9a-f]{32})")
"""A URL of ours, absolute or not, behind whatever prefix; ASCII, since the header is kept as it is."""


def concat_of(request: web.Request) -> str:
    """What the header says, empty without it. Raises BadRequest."""
    told = request.headers.get(HEADER, "")
    if told in ("", PARTIAL) or told.startswith(FINAL):
        return told
    raise BadRequest(f"{HEADER} is '{PARTIAL}', or '{FINAL}' and the URLs of the pieces.")


def is_final(concat: str) -> bool:
    """Whether the upload is one that was joined: it takes no bytes by itself."""
    return concat.startswith(FINAL)


def piece(size: int | None, note: str) -> NewUpload:
    """An upload that becomes no file by itself, and so has no name."""
    return NewUpload(path="", size=size, partial=True, note=note)


async def join(request: web.Request, new: NewUpload, concat: str) -> web.Response:
    """201 with the URL of the whole, which is stored and listed by then."""
    if (
        "Upload-Length" in request.headers
        or "Upload-Defer-Length" in request.headers
        or request.can_read_body
    ):
        raise BadRequest("The pieces say how long the file is, and bring all its bytes.")
    try:
        receipt = await services_of(request).concatenation.join(caller_of(request), new, _pieces(concat))
    except DigestMismatch as error:
        raise ChecksumMismatch(error.message) from error
    told = {**answers.outcome(request, receipt), "Location": answers.location(request, receipt.upload_id)}
    return web.Response(status=201, headers=told)


def _pieces(concat: str) -> Sequence[str]:
    matches = [_PIECE.fullmatch(url) for url in concat.removeprefix(FINAL).split()]
    found = [match[1] for match in matches if match is not None]
    if not found or len(found) != len(matches):
        raise BadRequest(f"{HEADER} names the URLs of pieces, with spaces in between.")
    return found
