"""The Range header: which bytes of a file are asked for (RFC 9110, section 14).

Pure, and bounded: a header of a few kilobytes must not cost more than the file itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_RANGES = 32
"""Ranges that are looked at in one request; viewers of PDF and video ask for a handful. A header of
8 KiB holds two thousand, each of which would cost a part of its own (CVE-2011-3192): with more than
this the header is ignored, as RFC 9110, 14.2 allows, and the file comes whole."""

WORTH_A_PART = 200
"""Bytes between two ranges that are sent rather than left out: a part's own lines are about as long."""

_SET = re.compile(r"[ \t]*bytes[ \t]*=(.*)", re.IGNORECASE | re.DOTALL)
_RANGE = re.compile(r"(?:([0-9]+)-([0-9]*)|-([0-9]+))")

_HUGE = 10**18
"""Beyond every file. Python refuses to read numbers of thousands of digits, which the grammar allows."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes [start, stop)."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many."""
        return self.stop - self.start


def parse_ranges(headers: Sequence[str], size: int) -> Sequence[Span] | None:
    """What is asked for of a file of `size` bytes, in the order asked for, merged where it overlaps.

    None: send the whole, since there is no range, or an unknown unit, or one that makes no sense.
    Empty: nothing of it can be had (416).
    """
    if len(headers) != 1 or (told := _SET.fullmatch(headers[0])) is None:
        return None
    pieces = [piece.strip(" \t") for piece in told[1].split(",")]
    matches = [_RANGE.fullmatch(piece) for piece in pieces if piece]
    if not 0 < len(matches) <= MAX_RANGES:
        return None
    spans: list[Span] = []
    for match in matches:
        if match is None or _is_backwards(match):
            return None  # one that is no range makes the whole header invalid
        if size == 0 and match[3] is not None and _number(match[3]):
            return None  # the last bytes of an empty file are all of it, and no 206 can say so
        span = _span(match, size)
        if span.length > 0:
            _merge(spans, span)
    return spans


def _is_backwards(match: re.Match[str]) -> bool:
    return bool(match[2]) and _number(match[2]) < _number(match[1])


def _span(match: re.Match[str], size: int) -> Span:
    if match[3] is not None:
        return Span(max(size - _number(match[3]), 0), size)
    last = _number(match[2]) if match[2] else _HUGE
    return Span(_number(match[1]), min(last + 1, size))


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= len(str(_HUGE)) - 1 else _HUGE


def _merge(spans: list[Span], new: Span) -> None:
    """Add a span; with those that it touches it becomes one, at the first one's place."""
    place, rest = len(spans), []
    for index, old in enumerate(spans):
        if new.start <= old.stop + WORTH_A_PART and old.start <= new.stop + WORTH_A_PART:
            new = Span(min(old.start, new.start), max(old.stop, new.stop))
            place = min(place, index)
        else:
            rest.append(old)
    rest.insert(min(place, len(rest)), new)
    spans[:] = rest
