"""Conditional requests: whether what the client knows of a file still holds (RFC 9110, section 13).

The digest is the one validator that counts: equal digests are equal bytes. A date never
lets two contents be mixed, because files are moved, restored and replaced by older ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from aiohttp import web

from fileshare.domain.model import Version

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\U0010ffff]*)"')


class Verdict(Enum):
    """What the conditions say."""

    SEND = auto()
    NOT_MODIFIED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Validators:
    """What a version is known by. Dates have whole seconds, as in the header."""

    digest: str
    modified: datetime | None
    """The source's own time, for `Last-Modified`; never in the future, None where no date can say it."""
    created: datetime

    @property
    def etag(self) -> str:
        """The header's value."""
        return f'"{self.digest}"'


def validators_of(version: Version, now: int) -> Validators:
    """`now` is milliseconds: RFC 9110, 8.8.2.1 forbids to tell a later date than that."""
    modified = min(version.modified, now)
    return Validators(
        version.digest, _date(modified) if modified > 0 else None, _date(min(version.created, now))
    )


def _date(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def judge(request: web.Request, known: Validators) -> Verdict:
    """In the order of RFC 9110, 13.2.2; for GET and HEAD."""
    if _holds_if_match(request, known) is False:
        return Verdict.FAILED
    if "If-None-Match" in request.headers:
        told = request.headers.getall("If-None-Match")
        return Verdict.NOT_MODIFIED if _names(told, known.digest, weak=True) else Verdict.SEND
    since = request.if_modified_since
    # Equal and not "no later": a file that an older one has replaced is another one.
    return Verdict.NOT_MODIFIED if since is not None and since == known.modified else Verdict.SEND


def _holds_if_match(request: web.Request, known: Validators) -> bool | None:
    if "If-Match" in request.headers:
        return _names(request.headers.getall("If-Match"), known.digest, weak=False)
    since = request.if_unmodified_since
    return None if since is None else known.created <= since


def judge_change(request: web.Request, digest: str | None) -> Verdict:
    """For PUT: `digest` is the current content's, None where there is no file."""
    match, none = request.headers.getall("If-Match", ()), request.headers.getall("If-None-Match", ())
    if match and (digest is None or not _names(match, digest, weak=False)):
        return Verdict.FAILED
    if none and digest is not None and _names(none, digest, weak=True):
        return Verdict.FAILED
    return Verdict.SEND


def range_applies(request: web.Request, known: Validators) -> bool:
    """Whether a Range may be answered by a piece: without If-Range always, else by the digest alone.

    A date is no strong validator here (8.8.2.2), so that it gets the whole file.
    """
    told = request.headers.getall("If-Range", ())
    return not told or [one.strip() for one in told] == [known.etag]


def _names(told: Sequence[str], digest: str, *, weak: bool) -> bool:
    """Whether a list of entity tags holds the digest, or is `*`."""
    text = ",".join(told)
    if text.strip() == "*":
        return True
    return any(tag[2] == digest and (weak or not tag[1]) for tag in _TAG.finditer(text))
