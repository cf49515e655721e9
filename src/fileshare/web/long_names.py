"""A name as a page shows it: a long one in two pieces, so that its middle may go and its ending stays.

Cut nowhere within what a person sees as one character. Characters that would turn the
reading of what follows, so that an .exe looks like a .jpg, are shown as what they are.
"""

import re

from fileshare.domain.names import joined

LONG = 22
"""Characters from which on a name may not fit a phone; shorter ones stay in one piece."""

TAIL = 10
"""Characters of the end that are always shown: an ending, `_v2` and some of what is before."""

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Unicode's explicit embeddings, overrides and isolates (UAX #9); no name needs them."""


def plain(name: str) -> str:
    """The name without power over what stands beside it."""
    return _TURNING.sub("\ufffd", name)


def is_long(name: str) -> bool:
    """Whether it is to be shown in two pieces."""
    return len(name) > LONG


def halves(name: str) -> tuple[str, str]:
    """The piece that may be shortened, and the end; the end is empty for a short name."""
    if not is_long(name):
        return plain(name), ""
    cut = len(name) - TAIL
    while cut and joined(name[cut - 1], name[cut]):
        cut -= 1
    return (plain(name[:cut]), plain(name[cut:])) if cut else (plain(name), "")
