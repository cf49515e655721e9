"""Ids that stand in a URL."""

from typing import Final

from fileshare.errors import NotFound

MAX_DIGITS: Final = 18
"""What fits the 63 bits of a store's ids."""


def number_named(text: str, missing: str) -> int:
    """The id that a URL names. Raises NotFound with the sentence `missing` where it can't be one."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise NotFound(missing)
    return int(text)
