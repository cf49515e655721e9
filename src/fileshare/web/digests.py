"""Digests in headers (RFC 9530): the one a client promises, and the one that is told."""

import binascii
import re
from base64 import b64decode, b64encode

from aiohttp import web

from fileshare.errors import BadDigest

PROMISES = ("Repr-Digest", "Content-Digest")
"""Of a body without a coding, which is all that is taken, both say the same."""

_MEMBER = re.compile(r"[ \t]*sha-256[ \t]*=[ \t]*(.*)", re.DOTALL)
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):[ \t]*(?:;.*)?", re.DOTALL)


def repr_digest(digest: str) -> str:
    """A digest as the header says it."""
    return f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:"


def promised_digest(request: web.Request) -> str | None:
    """The SHA-256 that the body will have, hex; None where the client tells none.

    Other algorithms are passed over. Raises BadDigest for one that can't be read, and for two
    that differ: a promise that nobody checks would be worse than none.
    """
    members = [m for name in PROMISES for line in request.headers.getall(name, ()) for m in line.split(",")]
    told = {_digest(match[1]) for member in members if (match := _MEMBER.fullmatch(member))}
    if len(told) > 1:
        raise BadDigest("The headers promise two different SHA-256 digests.")
    return told.pop() if told else None


def _digest(value: str) -> str:
    match = _BYTES.fullmatch(value)
    try:
        raw = b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise BadDigest("The promised digest is not sha-256=:…: with 32 bytes in base64 (RFC 9530).")
    return raw.hex()
