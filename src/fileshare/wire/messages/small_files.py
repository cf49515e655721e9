"""Many small files at once, in one message each way: PUT, and what became of its files."""

from msgspec import UNSET, Struct, UnsetType

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
