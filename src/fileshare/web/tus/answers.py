"""How an upload, or the file that it became, is told in headers."""

from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import web

from fileshare.domain.model import Receipt, Upload
from fileshare.web.keys import services_of
from fileshare.web.origin import absolute_url
from fileshare.web.receipts import receipt_headers
from fileshare.web.tus.notes import Note
from fileshare.web.tus.protocol import PREFIX

Headers = Mapping[str, str]

OF_THE_FILE = ("Fileshare-Path", "Fileshare-Version", "Repr-Digest")


def location(request: web.Request, upload_id: str) -> str:
    """The upload's URL: absolute, as some clients need it."""
    return absolute_url(request, PREFIX + upload_id)


def progress(request: web.Request, upload: Upload) -> Headers:
    """How far it is, and how long it is kept if nobody goes on with it."""
    expires = services_of(request).uploads.expires_at(upload) / 1000
    return {"Upload-Offset": str(upload.offset), "Upload-Expires": formatdate(expires, usegmt=True)}


def outcome(request: web.Request, receipt: Receipt) -> Headers:
    """What became of it."""
    told = receipt_headers(request, receipt)
    return {"Upload-Offset": str(receipt.size), **{name: told[name] for name in OF_THE_FILE}}


def told(request: web.Request, found: Upload | Receipt) -> Headers:
    """Either of both."""
    return outcome(request, found) if isinstance(found, Receipt) else progress(request, found)


def description(request: web.Request, found: Upload | Receipt) -> Headers:
    """All that HEAD tells."""
    headers = dict(told(request, found))
    if found.size is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(found.size)
    note = Note.of(found.note)
    if note.metadata:
        headers["Upload-Metadata"] = note.metadata
    if note.concat:
        headers["Upload-Concat"] = note.concat
    return headers
