"""What tus tells apart from the rest of this door."""

from fileshare.errors import DigestMismatch, TooLarge


class ChecksumMismatch(DigestMismatch):
    """The bytes are not the ones that were promised; of them nothing is kept. 460 in tus."""


class TooMuch(TooLarge):
    """More bytes came than were announced, or than this server takes; the upload is gone."""
