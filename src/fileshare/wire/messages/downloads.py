"""Downloads in segments."""

from msgspec import UNSET, UnsetType

from fileshare.wire.messages.shapes import Digest, Reply, Request2, Size, VersionNumber


class Download(Request2, frozen=True, kw_only=True):
    """A range of a file. With `if_digest`, another content comes whole, from offset 0."""

    command = "DOWNLOAD"
    path: str
    version: VersionNumber | UnsetType = UNSET
    offset: Size = 0
    length: Size | UnsetType = UNSET
    if_digest: Digest | UnsetType = UNSET


class DownloadBegin(Reply, frozen=True, kw_only=True):
    """DATA segments of `length` bytes in all follow, then END."""

    path: str
    version: int
    size: int
    digest: str
    modified: float
    offset: int
    length: int
