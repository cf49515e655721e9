"""Which `_v2`, `_v3` … name is free, found with few looks.

The stores share it, so that both give the same name in the same case.
"""

from collections.abc import Callable

from fileshare.domain import names
from fileshare.errors import BadName


def free_path(folder: str, name: str, taken: Callable[[str], bool]) -> str:
    """The name in `folder` that a second content of `name` gets. Raises BadName when it can't have one.

    Where no number was given up, it is the lowest free one. It looks at 2, 3, 5, 9 … and
    halves back, so the 100,000th content of a name costs some thirty looks.
    """
    low, high = 1, 2
    while taken(names.numbered(name, high)):
        low, high = high, 2 * high - 1
    while high - low > 1:
        middle = (low + high) // 2
        if taken(names.numbered(name, middle)):
            low = middle
        else:
            high = middle
    found = names.numbered(name, high)
    check_length(len(names.join(folder, found).encode()))
    return found


def check_length(length: int) -> None:
    """Raises BadName for a path of so many bytes that the store would make and nobody could name."""
    if length > names.MAX_PATH:
        raise BadName(f"A path would get longer than {names.MAX_PATH} bytes: use fewer folders.")
