"""One typed struct per message. Version 1 is the users' document's, version 2 is ours.

A message is a frame (see `frames`) that holds `{"command": …, "data": {…}}` towards
the server and `{"status": …, "data": {…}}` towards the client. Here stand only the
shapes of `data` and which command or status each belongs to; `codec` turns them into
bytes and back, `states` says when which may be sent. docs/protocol.md tells it to
people who write clients of their own.

Times are seconds since 1970 as numbers, sizes and offsets bytes, digests 64 hex digits.
"""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

# Above every size that a file system can hold, and exact in a JSON double.
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
# "$" would let a trailing newline through.
Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]
UploadId = Annotated[str, Meta(pattern=r"^[0-9a-zA-Z_-]{16,64}\Z")]
Conflicts = Annotated[str, Meta(pattern=r"^(keep-both|replace)\Z")]
Seconds = Annotated[float, Meta(ge=-(2**40), le=2**40)]


class Request(Struct, frozen=True, kw_only=True):
    """A message towards the server."""

    command: ClassVar[str] = ""
    protocol: ClassVar[int] = 1


class Reply(Struct, frozen=True, kw_only=True):
    """A message towards the client. `status` is what the envelope says."""

    status: ClassVar[str] = "OK"


class Auth(Request, frozen=True, kw_only=True):
    """Log in with name and password; version 1 has nothing else."""

    command = "AUTH"
    username: str
    password: str


class UploadFile(Request, frozen=True, kw_only=True):
    """Begin a new upload; after `Ready` the raw bytes follow."""

    command = "UPLOAD"
    filename: str
    file_size: Size
    file_hash: str
    overwrite: bool = False


class DownloadFile(Request, frozen=True, kw_only=True):
    """Ask for a file from `start_byte` on. `start_byte` is checked by the service, not here."""

    command = "DOWNLOAD"
    filename: str
    start_byte: Any = 0


class DownloadConfirm(Request, frozen=True, kw_only=True):
    """Sent by some version 1 clients before they read a download; taken in silence."""

    command = "DOWNLOAD_CONFIRM"


class ListFiles(Request, frozen=True, kw_only=True):
    """Ask for every file by its full path."""

    command = "LIST"


class ResumeUpload(Request, frozen=True, kw_only=True):
    """Go on with the caller's furthest upload of that name and digest."""

    command = "RESUME"
    filename: str
    file_hash: str


class Request2(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message of version 2: what it does not know it refuses."""

    protocol = 2


class Hello(Request2, frozen=True, kw_only=True):
    """First message of a version 2 client. `features` may name what later clients can do."""

    command = "HELLO"
    version_wanted: Annotated[int, Meta(ge=2)] = msgspec.field(name="version")
    client: str = ""
    features: list[str] = []


class Login(Request2, frozen=True, kw_only=True):
    """AUTH of version 2: name and password for a new token, or a token alone."""

    command = "AUTH"
    username: str = ""
    password: str = ""
    token: str = ""
    name: str = ""
    """What the token is called in the owner's list of sessions, such as the host name."""


class Logout(Request2, frozen=True, kw_only=True):
    """End the token that this connection logged in with."""

    command = "LOGOUT"


class WhoAmI(Request2, frozen=True, kw_only=True):
    """Which account is this."""

    command = "WHOAMI"


class List(Request2, frozen=True, kw_only=True):
    """A page of a folder, or of everything below it."""

    command = "LIST"
    path: str = ""
    recursive: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
    cursor: str = ""


class Stat(Request2, frozen=True, kw_only=True):
    """One file or folder, or one version of a file."""

    command = "STAT"
    path: str
    version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class Versions(Request2, frozen=True, kw_only=True):
    """All versions of a file."""

    command = "VERSIONS"
    path: str


class Restore(Request2, frozen=True, kw_only=True):
    """Make an old version the current one again, or, without a version, take a path out of the trash."""

    command = "RESTORE"
    path: str
    version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class Delete(Request2, frozen=True, kw_only=True):
    """Move to the trash, or with `forever` delete for good, the trash's copies of that path included."""

    command = "DELETE"
    path: str
    forever: bool = False


class Move(Request2, frozen=True, kw_only=True):
    """Give a file or folder another path."""

    command = "MOVE"
    path: str
    to: str


class MakeFolder(Request2, frozen=True, kw_only=True):
    """Create a folder and its missing parents."""

    command = "MKDIR"
    path: str


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


class Resume(Request2, frozen=True, kw_only=True):
    """Go on with an upload that was begun elsewhere: by its id, or the furthest of a path and digest."""

    command = "RESUME"
    upload_id: UploadId | UnsetType = UNSET
    path: str | UnsetType = UNSET
    digest: Digest | UnsetType = UNSET


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


class Download(Request2, frozen=True, kw_only=True):
    """A range of a file. With `if_digest`, another content comes whole, from offset 0."""

    command = "DOWNLOAD"
    path: str
    version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    offset: Size = 0
    length: Size | UnsetType = UNSET
    if_digest: Digest | UnsetType = UNSET


# Replies of version 1


class AuthRequired(Reply, frozen=True, kw_only=True):
    """Log in first."""

    status = "AUTH_REQUIRED"
    code: str = "auth_required"
    message: str = "Log in first."


class AuthFailed(Reply, frozen=True, kw_only=True):
    """The login was refused. `retry_after` is seconds, set when there were too many attempts."""

    status = "AUTH_FAILED"
    code: str = "auth_failed"
    message: str = "The name, password or token is wrong."
    retry_after: int | UnsetType = UNSET


class AuthSuccess(Reply, frozen=True, kw_only=True):
    """Logged in. Version 2 adds the account and, after a login by password, a token."""

    status = "AUTH_SUCCESS"
    role: str
    account: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    expires_at: float | UnsetType = UNSET
    default_password: bool | UnsetType = UNSET


class Error(Reply, frozen=True, kw_only=True):
    """It failed, and why."""

    status = "ERROR"
    code: str
    message: str


class FileNotFound(Reply, frozen=True, kw_only=True):
    """There is nothing of that name."""

    status = "FILE_NOT_FOUND"
    code: str = "not_found"
    message: str = "There is nothing of that name."


class ChecksumFailed(Reply, frozen=True, kw_only=True):
    """The bytes do not have the promised digest; the upload is gone."""

    status = "CHECKSUM_FAILED"
    code: str = "digest_mismatch"
    message: str = "The received bytes do not have the promised SHA-256 digest; nothing was stored."


class UploadReady(Reply, frozen=True, kw_only=True):
    """Send the raw bytes."""

    ready: bool = True
    temp_id: str


class UploadDone(Reply, frozen=True, kw_only=True):
    """The upload is stored under `filename`."""

    message: str = "Upload successful"
    filename: str
    size: int
    hash: str


class ResumeReady(Reply, frozen=True, kw_only=True):
    """Send the raw bytes from `bytes_received` on."""

    bytes_received: int
    file_size: int


class DownloadReady(Reply, frozen=True, kw_only=True):
    """The raw bytes from `start_byte` on follow."""

    filename: str
    file_size: int
    file_hash: str
    start_byte: int


class ListedFile(Struct, frozen=True, kw_only=True):
    """A file in version 1's LIST."""

    name: str
    size: int
    modified: float
    hash: str
    version: int
    owner: str


class FileList(Reply, frozen=True, kw_only=True):
    """Every file."""

    files: list[ListedFile]


# Replies of version 2


class Limits(Struct, frozen=True, kw_only=True):
    """What the server takes: bytes of a frame and a segment, and the window of PUT."""

    frame: int
    segment: int
    put_size: int
    """Largest file that PUT takes, bytes."""
    window_uploads: int
    """Most files of PUT without their result yet."""
    window_bytes: int
    max_file_size: int | None = None


class Welcome(Reply, frozen=True, kw_only=True):
    """The answer to HELLO."""

    version: int
    server: str
    features: list[str]
    limits: Limits
    authenticated: bool


class Done(Reply, frozen=True, kw_only=True):
    """It is done, and there is nothing to tell."""


class Identity(Reply, frozen=True, kw_only=True):
    """Which account this connection acts for."""

    account: str
    role: str
    expires_at: float | UnsetType = UNSET


class EntryInfo(Reply, frozen=True, kw_only=True):
    """A file or folder, as STAT and LIST tell it."""

    path: str
    kind: str
    """`file` or `folder`."""
    modified: float
    size: int | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    created: float | UnsetType = UNSET


class EntryPage(Reply, frozen=True, kw_only=True):
    """Some entries, and the cursor for the next page when there are more."""

    entries: list[EntryInfo]
    next: str | None = None


class VersionInfo(Struct, frozen=True, kw_only=True):
    """One version of a file."""

    version: int
    digest: str
    size: int
    modified: float
    created: float
    owner: str


class VersionList(Reply, frozen=True, kw_only=True):
    """The versions of a file, the newest first."""

    path: str
    versions: list[VersionInfo]


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


class Stored(Reply, frozen=True, kw_only=True):
    """The upload is stored, durable and under `path` (another one than asked for where that was taken)."""

    status = "STORED"
    upload_id: str
    path: str
    version: int
    size: int
    digest: str


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


class Challenge(Reply, frozen=True, kw_only=True):
    """Without `nonce`: send the bytes. With it: PROVE that you have them (64 hex digits)."""

    nonce: str | UnsetType = UNSET


class DownloadBegin(Reply, frozen=True, kw_only=True):
    """DATA segments of `length` bytes in all follow, then END."""

    path: str
    version: int
    size: int
    digest: str
    modified: float
    offset: int
    length: int
