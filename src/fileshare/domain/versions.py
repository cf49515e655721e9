"""Which version comes next, and which older ones may go.

Numbers count from 1 and are never used again within a file: the newest version is the
current one, it always stays, and restoring an old one makes a new number.
"""

from collections.abc import Iterable, Sequence

FIRST = 1
"""The number of a file's first version."""


def next_number(numbers: Iterable[int]) -> int:
    """The number of the version that is stored now, given those that the file has."""
    return max(numbers, default=FIRST - 1) + 1


def may_go(numbers: Iterable[int], keep: int) -> Sequence[int]:
    """The versions that go when only the newest `keep` stay, the oldest first.

    The current version counts among those that stay; `keep` 0 keeps all.
    """
    if keep < 0:
        raise ValueError(f"{keep} versions can't be kept")
    ordered = sorted(set(numbers))
    return ordered[:-keep] if keep else ()
