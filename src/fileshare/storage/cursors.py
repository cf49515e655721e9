"""The text of a page's cursor: where the next page goes on. Opaque to whoever carries it.

It holds the sort key of the last entry, not a position, so that it stays good while
entries come and go. It comes back from outside, so nothing in it is believed.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass

from fileshare.errors import BadRequest

MAX_CURSOR = 16_384
"""Characters: a path of 4,096 bytes in base64 and in JSON's own escapes stays below."""


def encode(values: Sequence[int | str]) -> str:
    """The cursor that holds these values."""
    packed = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(cursor: str) -> list[object]:
    """The values that a cursor holds. Raises BadRequest when it is none of ours."""
    if len(cursor) > MAX_CURSOR:
        raise bad_cursor()
    try:
        values = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(values, list):
        raise bad_cursor()
    return values


def decode_names(cursor: str) -> list[str]:
    """The names that a cursor of `walk` holds. Raises BadRequest."""
    return [_text(name) for name in decode(cursor)]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands in a listing: folders (kind 0) before files, then by what is sorted by.

    `value` is the size or time that is sorted by, 0 where it is the name. Names decide
    between equals, ids between namesakes of a search.
    """

    kind: int
    value: int
    name: str
    id: int

    def encode(self) -> str:
        """The cursor of the page after this entry."""
        return encode([self.kind, self.value, self.name, self.id])

    @classmethod
    def decode(cls, cursor: str) -> "Place":
        """The place that a cursor holds. Raises BadRequest."""
        match decode(cursor):
            case [0 | 1 as kind, value, name, entry_id]:
                return cls(_number(kind), _number(value), _text(name), _number(entry_id))
            case _:
                raise bad_cursor()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise bad_cursor()
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which no database takes
        raise bad_cursor() from None
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
        raise bad_cursor()
    return value


def bad_cursor() -> BadRequest:
    """What anybody gets who sends a cursor that no page had."""
    return BadRequest("The cursor is not one of this list: begin again with the first page.")
