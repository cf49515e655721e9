"""What became of an upload, as this door tells it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from fileshare.domain.model import Receipt
from fileshare.domain.names import name_of
from fileshare.web.digests import repr_digest
from fileshare.web.paths import file_url


def receipt_headers(request: web.Request, receipt: Receipt) -> Mapping[str, str]:
    """Where the file stands, as which version, and what it is. The path is percent-encoded UTF-8."""
    return {
        "ETag": f'"{receipt.digest}"',
        "Fileshare-Path": quote(receipt.path, safe="/"),
        "Fileshare-Version": str(receipt.version),
        "Location": file_url(request, receipt.path),
        "Repr-Digest": repr_digest(receipt.digest),
    }


def receipt_json(receipt: Receipt) -> Mapping[str, Any]:
    """The stored file. `path` is where it stands, which may be `_v2` of what was asked for."""
    return {
        "path": receipt.path,
        "name": name_of(receipt.path),
        "kind": "file",
        "size": receipt.size,
        "sha256": receipt.digest,
        "version": receipt.version,
    }
