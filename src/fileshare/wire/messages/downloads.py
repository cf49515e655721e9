"""Downloads in segments."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from fileshare.wire.messages.shapes import Digest, Reply, Request2, Size


class Download(Request2, frozen=True, kw_only=True):
    """A range of a file. With `if_digest`, another content comes whole, from offset 0."""

    command = "DOWNLOAD"
    path: str
    version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
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
