"""The values that every ring speaks of: accounts, files, versions, uploads.

Frozen, without behaviour beyond what follows from their own fields, and without
I/O. Times are integer milliseconds since 1970 (UTC), sizes and offsets are bytes,
digests are SHA-256 as 64 lower-case hex digits.
"""

from enum import StrEnum

from msgspec import Struct

ANONYMOUS_ID = 0
"""The account that stands for callers without a login where `require_auth` is false."""


class Role(StrEnum):
    """What an account is; what it may do stands in `domain.access`."""

    ADMIN = "admin"
    USER = "user"


class Door(StrEnum):
    """Where a request came in."""

    TCP = "tcp"
    WEB = "web"
    COMMAND = "command"


class OnConflict(StrEnum):
    """What a finished upload does where its path is taken by a file."""

    KEEP_BOTH = "keep-both"
    """Store under the next free `_v2`, `_v3` name."""
    REPLACE = "replace"
    """Become the next version of that file; the old content stays as a version."""


class UploadState(StrEnum):
    """The life of an upload; the last three have no row, only their trace (receipt or event)."""

    RECEIVING = "receiving"
    VERIFYING = "verifying"
    STORED = "stored"
    REJECTED = "rejected"
    ABANDONED = "abandoned"


class Account(Struct, frozen=True):
    """Someone who can log in. `id` is never used again, even when the name is."""

    id: int
    name: str
    role: Role
    enabled: bool
    default_password: bool
    created: int
    last_login: int | None = None


class Caller(Struct, frozen=True):
    """Who asks, from where, through which door, for one request or one connection."""

    account: Account
    address: str
    door: Door
    connection: str = ""
    session_id: int | None = None


class Version(Struct, frozen=True):
    """An immutable content under a file. `modified` is the source's own time where it was told."""

    number: int
    digest: str
    size: int
    modified: int
    created: int
    owner: str


class File(Struct, frozen=True):
    """A path that users see, with its current version."""

    id: int
    path: str
    version: Version


class Folder(Struct, frozen=True):
    """A path that holds files and folders; the root is the empty path."""

    id: int
    path: str
    created: int
    modified: int


Entry = File | Folder


class Trashed(Struct, frozen=True):
    """A file or folder in the trash, with the path it had. `size` is of all it holds, in bytes."""

    id: int
    path: str
    kind: str
    size: int
    deleted: int
    deleted_by: str


class Upload(Struct, frozen=True):
    """A transfer towards a path. `offset` never leads what is durable."""

    id: str
    """32 hex digits, the server's own; names the part file."""
    client_id: str | None
    """What the client calls it (version 2), unique for its owner; None for version 1."""
    owner_id: int
    path: str
    size: int | None
    digest: str | None
    on_conflict: OnConflict
    modified: int | None
    state: UploadState
    offset: int
    epoch: int
    """Rises at each takeover; a write with an older epoch is refused by the store."""
    boot_id: str
    """The kernel boot in which the part was last written (`/proc/sys/kernel/random/boot_id`)."""
    device: int
    created: int
    touched: int
    found_digest: str | None = None
    """Set with VERIFYING: the digest that the received bytes have."""
    partial: bool = False
    """A piece of a bigger file that is sent beside others; it is joined with them and never a file itself."""
    hash_state: bytes | None = None
    """The digest of the bytes up to `offset` or before, in the making (`fileshare.sha256`)."""
    note: str = ""
    """What the door that began it wants back when it is asked for it, on the receipt too."""


class Receipt(Struct, frozen=True):
    """What became of a finished upload; asked again, the same answer comes again.

    `requested` is the path that was asked for, `path` the stored one (`_v2` where it was taken).
    """

    owner_id: int
    upload_id: str
    client_id: str | None
    requested: str
    path: str
    version: int
    size: int
    digest: str
    created: int
    note: str = ""


class Session(Struct, frozen=True):
    """Proof of a login: a client's token or a browser's session. Only its hash is stored."""

    id: int
    account_id: int
    kind: str
    """`token` or `session`."""
    name: str
    created: int
    expires: int
    used: int
    address: str


class Event(Struct, frozen=True):
    """An entry of the audit trail. `outcome` is `ok`, `denied` or an error's code."""

    time: int
    action: str
    account: str
    path: str
    address: str
    door: str
    outcome: str
    detail: str = ""
    id: int = 0
