"""From an error's code to the number that `fileshare-client` exits with: one table.

A code that is not in it (a newer server's) is 1. A test holds it to every class of `errors`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fileshare.errors import FileshareError

DONE = 0
OTHER = 1
USAGE = 2
AUTHENTICATION = 3
NOT_FOUND = 4
INTEGRITY = 5
NETWORK = 6
NO_SPACE = 7
FORBIDDEN = 8
CONFLICT = 9
SOME_FAILED = 10
INTERRUPTED = 130

EXITS: Mapping[str, int] = MappingProxyType(
    {
        "error": OTHER,
        "bad_request": USAGE,
        "bad_name": USAGE,
        "bad_password": USAGE,
        "bad_offset": OTHER,
        "bad_digest": OTHER,
        "too_large": OTHER,
        "too_many": OTHER,
        "protocol": NETWORK,
        "auth_required": AUTHENTICATION,
        "auth_failed": AUTHENTICATION,
        "too_many_attempts": AUTHENTICATION,
        "forbidden": FORBIDDEN,
        "not_found": NOT_FOUND,
        "conflict": CONFLICT,
        "upload_busy": CONFLICT,
        "superseded": CONFLICT,
        "stopped": CONFLICT,
        "fenced": CONFLICT,
        "integrity": INTEGRITY,
        "digest_mismatch": INTEGRITY,
        "source_changed": INTEGRITY,
        "damaged": INTEGRITY,
        "no_space": NO_SPACE,
        "storage_failed": OTHER,
        "unavailable": NETWORK,
        "connection_lost": NETWORK,
    }
)


def exit_of(error: FileshareError) -> int:
    """The number for one error."""
    return EXITS.get(error.code, OTHER)


def exit_of_all(errors: Sequence[FileshareError], succeeded: int) -> int:
    """The number for a command over several things: of the error when all failed alike, else 10."""
    if not errors:
        return DONE
    numbers = {exit_of(error) for error in errors}
    return numbers.pop() if len(numbers) == 1 and not succeeded else SOME_FAILED
