"""Uploads in segments, and content that is proved instead of sent."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.wire.messages.shapes import Conflicts, Digest, Reply, Request2, Seconds, Size, UploadId


class Uploads(Request2, frozen=True, kw_only=True):
    """The caller's half-done uploads."""

    command = "UPLOADS"


class Receipts(Request2, frozen=True, kw_only=True):
    """Which of these uploads are stored? For who lost the answers, and would not send bytes twice."""

    command = "RECEIPTS"
    upload_ids: Annotated[list[UploadId], Meta(max_length=1000)]


class Abort(Request2, frozen=True, kw_only=True):
    """Give up an upload; its bytes are deleted."""

    command = "ABORT"
    upload_id: UploadId


class Upload(Request2, frozen=True, kw_only=True):
    """Begin or go on with the upload of that id. `Ready` says from which offset; segments follow.

    A finished upload is answered with its `Stored` at once.
    """

    command = "UPLOAD"
    upload_id: UploadId
    path: str
    size: Size | UnsetType = UNSET
    digest: Digest | UnsetType = UNSET
    on_conflict: Conflicts = "keep-both"
    modified: Seconds | UnsetType = UNSET
    piece: bool = False
    """A piece of the file at `path`, for APPEND: END is answered by `Done` once it is durable."""


class Append(Request2, frozen=True, kw_only=True):
    """Append a complete piece to an upload that has all bytes before `offset`; the piece is then gone."""

    command = "APPEND"
    upload_id: UploadId
    piece_id: UploadId
    offset: Size


class Resume(Request2, frozen=True, kw_only=True):
    """Go on with an upload that was begun elsewhere: by its id, or the furthest of a path and digest."""

    command = "RESUME"
    upload_id: UploadId | UnsetType = UNSET
    path: str | UnsetType = UNSET
    digest: Digest | UnsetType = UNSET


class Have(Request2, frozen=True, kw_only=True):
    """Does the server have this content? Answered by `Challenge`."""

    command = "HAVE"
    digest: Digest
    size: Size


class Prove(Request2, frozen=True, kw_only=True):
    """Store content that the server has, shown by SHA-256(nonce ‖ content), without sending it."""

    command = "PROVE"
    upload_id: UploadId
    path: str
    digest: Digest
    size: Size
    proof: Digest
    on_conflict: Conflicts = "keep-both"
    modified: Seconds | UnsetType = UNSET


class UploadInfo(Struct, frozen=True, kw_only=True):
    """A half-done upload. `upload_id` serves ABORT and RESUME."""

    upload_id: str
    path: str
    offset: int
    created: float
    expires: float
    size: int | UnsetType = UNSET
    digest: str | UnsetType = UNSET


class UploadList(Reply, frozen=True, kw_only=True):
    """The caller's half-done uploads, the newest first."""

    uploads: list[UploadInfo]


class Ready(Reply, frozen=True, kw_only=True):
    """Send segments from `offset` on. `size` and `digest` as the upload was begun with."""

    status = "READY"
    upload_id: str
    path: str
    offset: int
    size: int | UnsetType = UNSET
    digest: str | UnsetType = UNSET


class Checkpoint(Reply, frozen=True, kw_only=True):
    """Comes by itself while segments are sent: everything before `offset` is durable."""

    status = "CHECKPOINT"
    upload_id: str
    offset: int


class Appended(Reply, frozen=True, kw_only=True):
    """Everything of the upload before `offset` is durable."""

    status = "APPENDED"
    upload_id: str
    offset: int


class Stored(Reply, frozen=True, kw_only=True):
    """The upload is stored, durable and under `path` (another one than asked for where that was taken)."""

    status = "STORED"
    upload_id: str
    path: str
    version: int
    size: int
    digest: str


class Challenge(Reply, frozen=True, kw_only=True):
    """Without `nonce`: send the bytes. With it: PROVE that you have them (64 hex digits)."""

    nonce: str | UnsetType = UNSET
