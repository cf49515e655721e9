"""SHA-256 digests: the one form they are told in, and how they are computed bit by bit.

A digest is 64 lower-case hex digits everywhere inside; upper case is taken from outside.
"""

import hashlib
import re
from typing import Final

from fileshare.errors import BadDigest

Sha256 = hashlib.sha256
"""An incremental digest: `update(bytes)`, `hexdigest()`."""

EMPTY: Final = Sha256().hexdigest()
"""The digest of no bytes at all."""

_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")


def parse_digest(text: str) -> str:
    """The digest in lower case. Raises BadDigest unless it is 64 hex digits and nothing else."""
    if _DIGEST.fullmatch(text) is None:
        raise BadDigest(
            f"The digest {text[:70]!a} is not SHA-256: send the 64 hexadecimal digits that sha256sum prints."
        )
    return text.lower()


def digest_of(data: bytes | bytearray | memoryview) -> str:
    """The digest of bytes that are at hand."""
    return Sha256(data).hexdigest()


_UNSHARED: Final = 2047
"""hashlib lets other threads have the interpreter while it hashes more than that at once."""


def digest_of_small(data: bytes | bytearray | memoryview) -> str:
    """As `digest_of`, where getting the interpreter back would take longer than the hashing does."""
    digest, view = Sha256(), memoryview(data)
    for start in range(0, len(view), _UNSHARED):
        digest.update(view[start : start + _UNSHARED])
    return digest.hexdigest()
