"""Upload-Metadata: what a client tells of a file, and which of it counts here.

Names are raw text from outside: `domain.names`, whom the services ask, says which are good.
"""

import binascii
import math
import re
from base64 import b64decode
from collections.abc import Mapping

from fileshare.domain.model import OnConflict
from fileshare.errors import BadName, BadRequest
from fileshare.services.new_uploads import NewUpload

_KEY = re.compile(r"[!-+\--~]+")
"""ASCII without blanks and commas, as the protocol has it."""

_BLANKS = " \t"
"""Of HTTP; the header is kept word by word, and Unicode has others, which no header should hold."""

_ID = re.compile(r"[0-9a-zA-Z_-]{16,64}")
"""As the TCP protocol's upload ids: random ones, so that none is met twice."""

NO_VALUES = ("", "null", "undefined")
"""What JavaScript makes of a value that is not there; Uppy sends `relativePath` so for single files."""

LATEST = 253_402_300_800
"""Seconds: the year 10000, past which no program can show a time."""


def parse(text: str) -> Mapping[str, str]:
    """The pairs by key. Raises BadRequest."""
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip(_BLANKS).partition(" ")
        if _KEY.fullmatch(key) is None or key in found:
            raise BadRequest("Upload-Metadata is a list of different keys, each with a value in base64.")
        found[key] = _decoded(key, encoded.strip(_BLANKS))
    return found


def _decoded(key: str, encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest(f"The value of {key} in Upload-Metadata is not UTF-8 in base64.") from None


def new_upload(told: Mapping[str, str], size: int | None, note: str) -> NewUpload:
    """What the metadata ask for. Raises BadRequest."""
    return NewUpload(
        path=_path(told),
        size=size,
        digest=_value(told, "sha256") or None,
        on_conflict=_conflicts(told),
        modified=_modified(told),
        client_id=_client_id(told),
        note=note,
    )


def _path(told: Mapping[str, str]) -> str:
    """`filename` may hold folders; Uppy tells them apart, as `relativePath`, which ends with the name."""
    name = _value(told, "filename") or _value(told, "name")
    relative = _value(told, "relativePath").removeprefix("/")
    path = relative if relative and name in ("", relative.rpartition("/")[2]) else name
    if not path:
        raise BadName("Tell the file's name: the key filename in Upload-Metadata.")
    return path


def _value(told: Mapping[str, str], key: str) -> str:
    value = told.get(key, "")
    return "" if value in NO_VALUES else value


def _conflicts(told: Mapping[str, str]) -> OnConflict:
    match _value(told, "overwrite"):
        case "" | "false":
            return OnConflict.KEEP_BOTH
        case "true":
            return OnConflict.REPLACE
    raise BadRequest("overwrite in Upload-Metadata is true or false.")


def _client_id(told: Mapping[str, str]) -> str | None:
    """By what a repeated request is known. Raises BadRequest."""
    text = _value(told, "upload_id")
    if text and _ID.fullmatch(text) is None:
        raise BadRequest("upload_id in Upload-Metadata is 16 to 64 letters, digits, - and _.")
    return text or None


def _modified(told: Mapping[str, str]) -> int | None:
    """Milliseconds. Raises BadRequest."""
    text = _value(told, "modified")
    try:
        seconds = float(text) if text else None
    except ValueError:
        seconds = math.nan
    if seconds is None:
        return None
    if not abs(seconds) < LATEST:
        raise BadRequest("modified in Upload-Metadata is a number of seconds since 1970.")
    return round(seconds * 1000)
