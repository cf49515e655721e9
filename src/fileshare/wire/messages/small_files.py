"""Many small files at once: PUT and what became of its files, GET and what there is at its paths."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.wire.messages.shapes import Conflicts, Digest, Reply, Request2, Seconds, Size, UploadId


class PutFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One small file of a `Put`."""

    upload_id: UploadId
    path: str
    size: Size
    digest: Digest
    modified: Seconds | UnsetType = UNSET


class Put(Request2, frozen=True, kw_only=True):
    """Small files at once: their bytes follow in DATA segments, one after the other. `Results` answer."""

    command = "PUT"
    files: list[PutFile]
    on_conflict: Conflicts = "keep-both"


class PutResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one file of a PUT: stored (path and version), or refused (code and message)."""

    upload_id: str
    path: str = ""
    version: int = 0
    code: str = ""
    message: str = ""


class Results(Reply, frozen=True, kw_only=True):
    """Comes by itself after PUT, for one or more files, of one or more PUTs, in order."""

    status = "RESULTS"
    results: list[PutResult]


class ReceiptList(Reply, frozen=True, kw_only=True):
    """What became of those of the uploads that are stored; the others are not named."""

    results: list[PutResult]


class Get(Request2, frozen=True, kw_only=True):
    """The current contents of small files. `GetBegin` tells of the first of them, their bytes follow."""

    command = "GET"
    paths: Annotated[list[str], Meta(max_length=1000)]


class GetResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What there is at one path of a GET: `size` of the bytes behind, or why none come (code, message)."""

    version: int = 0
    size: int = 0
    digest: str = ""
    modified: float = 0.0
    code: str = ""
    message: str = ""


class GetBegin(Reply, frozen=True, kw_only=True):
    """One result for each of the first paths, in order; their bytes follow one after the other, then END."""

    results: list[GetResult]
