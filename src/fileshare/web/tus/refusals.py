"""What tus answers otherwise than the rest of this door: a status of its own for wrong bytes."""

from fileshare.errors import DigestMismatch


class ChecksumMismatch(DigestMismatch):
    """The bytes are not the ones that were promised; of them nothing is kept. 460 in tus."""
