"""A long name in two pieces, so that a page can leave out its middle and still show its ending.

Cut nowhere within what a person sees as one character. Says nothing of how it is shown.
"""

from fileshare.domain.names import joined

LONG = 32
"""Characters from which on a name may not fit; shorter ones stay in one piece."""

TAIL = 12
"""Characters of the end that are always shown: an ending, `_v2` and some of what is before."""


def halves(name: str) -> tuple[str, str]:
    """The piece that may be shortened, and the end; the end is empty for a short name."""
    if len(name) <= LONG:
        return name, ""
    cut = len(name) - TAIL
    while cut and joined(name[cut - 1], name[cut]):
        cut -= 1
    return (name[:cut], name[cut:]) if cut else (name, "")
