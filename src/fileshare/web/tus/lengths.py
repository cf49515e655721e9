"""Offsets and lengths in headers: plain decimal numbers and nothing else."""

import re

from aiohttp import web

from fileshare.errors import BadRequest

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
"""Up to an exabyte: what is longer would not fit the database's integers."""


def number_of(request: web.Request, header: str) -> int | None:
    """The number, None without the header. Raises BadRequest."""
    told = request.headers.getall(header, ())
    if not told:
        return None
    text = told[0].strip(" \t")  # what else `strip` takes for blank, `int` does not always
    if len(told) > 1 or _NUMBER.fullmatch(text) is None:
        raise BadRequest(f"{header} is one whole number, 0 or more.")
    return int(text)


def length_of(request: web.Request) -> int | None:
    """The size of a new upload, None where it comes later. Raises BadRequest unless one is told."""
    length = number_of(request, "Upload-Length")
    deferred = request.headers.get("Upload-Defer-Length")
    if deferred not in (None, "1") or (length is None) == (deferred is None):
        raise BadRequest("Send Upload-Length: <bytes>, or Upload-Defer-Length: 1.")
    return length
