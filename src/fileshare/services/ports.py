"""What the services need of stores: small protocols, each method with its contract.

The services own these shapes; `storage` fills them (disk and SQLite, and a pair in
memory for tests), and one contract suite holds every store to them. Each method of
`Catalog` and `AccountStore` is one unit: all of it happens or nothing, it is durable
when the call returns, and a caller that is cancelled meanwhile neither stops nor
splits it. Times are integer milliseconds, sizes bytes, digests lower-case hex.

Every method may raise `StorageFailed` (the disk reported an error; what was asked
is not done) and `NoSpace`. A write after a commit whose outcome is unknown raises
`Unavailable` until the store has been opened anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fileshare.domain.model import (
    Account,
    Entry,
    Event,
    File,
    Folder,
    OnConflict,
    Receipt,
    Role,
    Session,
    Trashed,
    Upload,
    Version,
)
from fileshare.errors import FileshareError


class Source(Protocol):
    """Where the bytes of a body come from: a connection, a file, a test."""

    async def read(self, limit: int) -> bytes | bytearray | memoryview:
        """The next 1 to `limit` bytes; empty when the source has ended, for whatever reason.

        Everything that was taken off the network comes out before the end is told,
        so that a connection that was reset loses nothing that had been read. The bytes
        are the caller's from then on: a source never writes into what it has given.
        """
        ...


class OpenFile(Protocol):
    """A stored file that is open for reading, as a store hands it to a sink."""

    def fileno(self) -> int:
        """Its descriptor, for what the system does with files as a whole; not to be closed."""
        ...

    async def read(self, offset: int, count: int) -> bytes:
        """The next 1 to `count` bytes from `offset`. Raises Damaged where the file has ended."""
        ...

    async def send_to(self, socket: int, offset: int, count: int, stall_seconds: float) -> None:
        """Send `count` bytes from `offset` into a TCP socket that nobody else writes to meanwhile.

        `socket` is its descriptor, non-blocking, and stays the caller's. Raises ConnectionLost, also when the
        peer takes next to nothing for `stall_seconds`, and Damaged when the file ends too early.
        """
        ...


class Sink(Protocol):
    """Where the bytes of a download go."""

    async def write(self, data: bytes | memoryview) -> None:
        """Hand over `data`; returns when there is room for more. Raises ConnectionLost."""
        ...

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send `count` bytes of an open file from `offset`, by `OpenFile.send_to` where there is a socket.

        Raises ConnectionLost, and Damaged when the file ends before `count` bytes.
        """
        ...


class Part(Protocol):
    """The bytes of one upload while they arrive. One writer at a time."""

    @property
    def upload_id(self) -> str:
        """The upload whose bytes these are."""
        ...

    @property
    def offset(self) -> int:
        """Bytes kept so far: written, perhaps not yet durable."""
        ...

    @property
    def device(self) -> int:
        """The device that the part lies on (`st_dev`), stored with its offset row."""
        ...

    async def receive(self, source: Source, limit: int) -> int:
        """Take up to `limit` bytes from `source`; returns how many were kept.

        Less than `limit` means that the source ended. Every byte that the source
        gave is kept, or the part is poisoned: then this and every later call raises
        NoSpace or StorageFailed, and only what `sync` had returned before is durable.
        NoSpace alone does not poison: the bytes up to `offset` stay good, and those that
        the source gave after them are lost, so the part takes more only when reopened.
        """
        ...

    async def sync(self) -> int:
        """Make what has been kept durable (fdatasync); returns the durable offset.

        May run while `receive` does: it covers what was kept when it was called.
        An error poisons the part; it is never tried again.
        """
        ...

    @property
    def hash_state(self) -> bytes | None:
        """The digest in the making of bytes that are durable, for the row: `Blobs.reopen` goes on from it."""
        ...

    async def digest(self, promised: str | None = None) -> str:
        """The SHA-256 of all bytes kept so far, hex. Call it only when no `receive` runs.

        Where hashing had gone on from a row's `hash_state` and the digest is not the `promised`
        one, the bytes are read again: no upload is rejected, or named, for the sake of a state.
        """
        ...

    async def read(self, limit: int) -> bytes:
        """The first bytes of the part, up to `limit`: small contents move into the database."""
        ...

    async def close(self) -> None:
        """Let go of the file; does not sync. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes under their digest: in the database when small, otherwise a blob.

    Opaque to the services: they get it from the catalog and hand it to `Blobs.send`,
    so that a store that keeps many extents per content fits behind the same port.
    """

    digest: str
    size: int
    data: bytes | None = None
    """The bytes themselves where they are small; None for a blob."""


class Blobs(Protocol):
    """The bytes: parts of uploads, and blobs that never change."""

    @property
    def boot_id(self) -> str:
        """The running kernel's boot id: tells a process kill from a power cut."""
        ...

    @property
    def device(self) -> int:
        """The device that new parts are created on."""
        ...

    async def create(self, upload_id: str) -> Part:
        """A new empty part; its name is durable on return (the folder is synced)."""
        ...

    async def reopen(self, upload: Upload) -> Part:
        """Open the part of a known upload for appending; its `offset` is durable on return.

        Same boot and device as the row says: bytes past the row's offset are kept and
        synced, so that a mere kill of the process costs nothing. Otherwise the part is
        cut back to the row's offset. A part that is shorter than its row is returned at
        its own length (the caller lets the row follow and logs it); a missing part is
        created empty.
        """
        ...

    async def join(self, upload_id: str, pieces: Sequence[tuple[str, int]]) -> Part:
        """A new part with the bytes of other uploads' parts, one after the other; durable on return.

        `pieces` are ids and the length that each part has; nobody writes to them meanwhile,
        and they stay as they are. Raises StorageFailed where one is missing or has another
        length, NoSpace, and leaves no part behind then.
        """
        ...

    async def discard(self, upload_id: str) -> None:
        """Remove the part; nothing happens when there is none."""
        ...

    async def publish(self, upload_id: str, digest: str) -> None:
        """Turn a synced part into the blob of that digest: rename, sync both folders.

        Idempotent: with the part gone and the blob in place it returns. A blob that is
        already there with the same size stays and the part is removed. Raises NotFound
        when there is neither.
        """
        ...

    async def exists(self, digest: str, size: int) -> bool:
        """Whether a blob of that digest and of just that size lies there."""
        ...

    async def remove(self, digest: str) -> None:
        """Unlink a blob; nothing happens when there is none. Only the sweeper calls it."""
        ...

    async def send(self, content: Content, start: int, stop: int, sink: Sink) -> None:
        """Send the bytes [start, stop) of a content to `sink`.

        Raises Damaged before the first byte when the blob is missing or has another
        size than `content.size`, and ConnectionLost from the sink.
        """
        ...

    async def keyed_digest(self, nonce: bytes, content: Content) -> bytes:
        """SHA-256(nonce ‖ content), raw. Raises Damaged as `send` does."""
        ...

    async def rehash(self, content: Content) -> str:
        """The SHA-256 that the bytes really have, hex. Raises Damaged when they are missing."""
        ...

    async def rehash_part(self, upload_id: str) -> tuple[int, str] | None:
        """Length and SHA-256 of a part as it lies on disk, None when there is none."""
        ...

    async def parts(self) -> Sequence[str]:
        """The upload ids of all parts that lie there."""
        ...

    async def digests(self) -> Sequence[str]:
        """The digests of all blobs that lie there."""
        ...

    async def space(self) -> tuple[int, int]:
        """Free and total bytes of the file system, as an unprivileged writer sees them."""
        ...


class Reserve(Protocol):
    """Bytes of the disk that are set aside, so that deleting works when it is full."""

    async def spend(self) -> bool:
        """Give the bytes back to the file system; False when they had been already."""
        ...

    async def refill(self) -> None:
        """Set them aside anew where there is room; nothing happens where there is not."""
        ...


@dataclass(frozen=True, slots=True)
class Finish:
    """One finished upload for `Catalog.finish`: its bytes are durable (a blob, or `data`)."""

    owner_id: int
    upload_id: str
    client_id: str | None
    path: str
    digest: str
    size: int
    modified: int
    on_conflict: OnConflict
    epoch: int | None = None
    """The epoch its row must have; None for an upload that never had a row (PUT, HAVE)."""
    data: bytes | None = None
    """The content itself when it goes into the database; None for a blob."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries in order, and the cursor of the next page, None at the end.

    A cursor is opaque text; it stays good while entries come and go.
    """

    entries: Sequence[Entry]
    next: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list: the direct entries of a folder, or with `query` all below it that match.

    `sort` is `name`, `size` or `modified`; folders come first. `query` is a
    case-insensitive piece of the name.
    """

    path: str
    limit: int
    cursor: str | None = None
    sort: str = "name"
    descending: bool = False
    query: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of logical content, each reference counted once per version."""

    files: int
    current: int
    versions: int
    trash: int


class SmallContent(NamedTuple):
    """A file's current version with all its bytes, which lie in the catalog itself."""

    number: int
    digest: str
    modified: int
    data: bytes


class Catalog(Protocol):
    """Names, versions, uploads and receipts."""

    # Uploads

    async def add_upload(self, upload: Upload) -> None:
        """Store a new upload. Raises Conflict when the owner has one with that client id."""
        ...

    async def upload(self, upload_id: str) -> Upload:
        """The upload of that id, whoever owns it. Raises NotFound."""
        ...

    async def upload_by_client_id(self, owner_id: int, client_id: str) -> Upload | None:
        """The owner's upload with that client id."""
        ...

    async def furthest_upload(self, owner_id: int, path: str, digest: str) -> Upload | None:
        """The owner's upload of that path and promised digest with the highest offset."""
        ...

    async def uploads(self, owner_id: int | None = None) -> Sequence[Upload]:
        """All uploads, or one owner's, the newest first."""
        ...

    async def update_upload(self, upload: Upload, expected_epoch: int) -> None:
        """Store size, offset, state, found digest, epoch, boot, device and touched time.

        Raises Fenced when the row's epoch is not `expected_epoch`, NotFound without a row.
        """
        ...

    async def drop_upload(self, upload_id: str) -> None:
        """Forget an upload; nothing happens when there is none."""
        ...

    async def finish(self, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
        """In one transaction, for each item in order: content, version, name, receipt, row dropped.

        Creates missing parent folders. A path taken by a file becomes `_v2`, `_v3` or
        the next version, by the item's `on_conflict`, decided here, so that two clients
        at once each keep their own whole file. An item that can't be (a folder of that
        name, a file among its parents: Conflict; another epoch: Fenced; no free name:
        BadName) gets its error and leaves the others alone.
        """
        ...

    async def receipt(self, owner_id: int, client_id: str) -> Receipt | None:
        """The receipt of the owner's upload with that client id."""
        ...

    async def receipt_of(self, upload_id: str) -> Receipt | None:
        """The receipt of the upload with the server's own id."""
        ...

    async def receipt_for(self, owner_id: int, path: str, digest: str) -> Receipt | None:
        """The newest receipt of that requested path and digest."""
        ...

    async def expire_receipts(self, before: int) -> int:
        """Forget receipts made before that time; returns how many."""
        ...

    # Files and folders

    async def entry(self, path: str) -> Entry:
        """The file or folder at `path` ("" is the root). Raises NotFound."""
        ...

    async def listing(self, what: Listing) -> Page:
        """A page of a folder, or of a search below it. Raises NotFound; Conflict for a file."""
        ...

    async def walk(self, path: str, limit: int, cursor: str | None = None) -> Page:
        """Everything below a folder, depth first by name: files, and every folder before its content."""
        ...

    async def count_files(self, path: str = "") -> int:
        """How many files lie below a folder."""
        ...

    async def make_folder(self, path: str, now: int) -> Folder:
        """Create a folder and its missing parents; an existing one is returned as it is.

        Raises Conflict when a file stands in the way.
        """
        ...

    async def move(self, path: str, to: str, now: int) -> Entry:
        """Give a file or folder another path; parents of `to` are created.

        Raises NotFound, and Conflict when `to` is taken or lies inside `path`.
        """
        ...

    async def versions(self, path: str) -> Sequence[Version]:
        """All versions of a file, the newest first. Raises NotFound; Conflict for a folder."""
        ...

    async def restore_version(self, path: str, number: int, owner_id: int, now: int) -> File:
        """Make an old version's content the next version. Raises NotFound."""
        ...

    async def prune_versions(self, path: str, keep: int) -> int:
        """Drop all but the newest `keep` versions of a file; returns how many went."""
        ...

    async def paths_over(self, versions: int, limit: int) -> Sequence[str]:
        """Some files outside the trash that have more than so many versions."""
        ...

    # Trash

    async def trash(self, path: str, account_id: int, now: int) -> Trashed:
        """Move a file or folder with all it holds to the trash. Raises NotFound; BadRequest for the root."""
        ...

    async def trashed(self) -> Sequence[Trashed]:
        """What is in the trash, the newest first."""
        ...

    async def untrash(self, trash_id: int, now: int) -> Entry:
        """Put it back at its path (a free `_v2` name where that is taken). Raises NotFound."""
        ...

    async def purge(self, trash_ids: Iterable[int], now: int) -> int:
        """Delete for good; contents nobody refers to become garbage. Returns the bytes given up.

        Gone for all who look at once; the rest may take a while, in steps, and is gone on
        with by `garbage` where it was interrupted. Asked again after an error, it goes on.
        """
        ...

    # Contents

    async def content(self, digest: str) -> Content:
        """The content of that digest, if any version at all refers to it. Raises NotFound."""
        ...

    async def readable_content(self, digest: str) -> Content:
        """The content of that digest if a file outside the trash has it. Raises NotFound."""
        ...

    async def small_contents(
        self, paths: Sequence[str], most: int
    ) -> Sequence[SmallContent | FileshareError]:
        """What stands at the first of these paths, in one unchanging state, for as many as `most` bytes hold.

        One outcome for each of them, in order, and for one path at least. NotFound; Conflict for a folder;
        TooLarge for a content that is a blob; Damaged when the bytes are missing or of another size.
        """
        ...

    async def contents(self, after: str, limit: int) -> Sequence[Content]:
        """Contents in order of digest, after that one, without their `data` when they are blobs."""
        ...

    async def count_contents(self) -> int:
        """How many contents there are."""
        ...

    async def inconsistencies(self) -> Sequence[str]:
        """What the catalog finds wrong with itself, one sentence each; nothing when it is whole.

        Reads all of it: a file's damaged pages, rows that refer to nothing, versions
        without content, files without their current version. Changes nothing.
        """
        ...

    async def paths_of(self, digest: str) -> Sequence[str]:
        """The paths (with `?version=N` where it is not the current one) that have this content."""
        ...

    async def garbage(self, limit: int) -> Sequence[str]:
        """Digests of blobs that were referred to once and perhaps no longer are."""
        ...

    async def note_garbage(self, digests: Iterable[str], now: int) -> None:
        """Remember blobs for the sweeper (orphans that a scan found)."""
        ...

    async def unknown_blobs(self, digests: Sequence[str]) -> Sequence[str]:
        """Those of the digests that neither a content nor a VERIFYING upload names: orphans on disk."""
        ...

    async def release_contents(self, digests: Sequence[str]) -> Sequence[str]:
        """Drop the contents' rows that no version and no VERIFYING upload refers to.

        Returns those of the digests that no row refers to now, also where there was no
        content's row: their blobs may be unlinked. One transaction for all of them, which
        also forgets as garbage those that a version refers to; those that only an upload
        refers to stay noted. Call it, and the unlink, under the digests' locks, then
        `forget_garbage`.
        """
        ...

    async def forget_garbage(self, digests: Iterable[str]) -> None:
        """The sweeper is done with these."""
        ...

    async def shrink(self) -> bool:
        """Give some of the disk that deleted rows took back; True while there is more to give.

        In small steps, so that others' writes come in between.
        """
        ...

    async def usage(self) -> Usage:
        """What the files, their older versions and the trash hold."""
        ...

    async def usage_by_owner(self) -> Mapping[int, int]:
        """Bytes of all versions by the id of the account that made them, the trash's included."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """An account with what a password check needs. `password_hash` is bcrypt's own text."""

    account: Account
    password_hash: str


class AccountStore(Protocol):
    """Accounts, their sessions and tokens, failed attempts, and the audit trail."""

    async def add(
        self, name: str, role: Role, password_hash: str, default_password: bool, now: int
    ) -> Account:
        """A new account with a new id. Raises Conflict when an account has that name (case folded)."""
        ...

    async def login(self, name: str) -> Login:
        """The account of that name (case folded) with its password hash.

        Raises NotFound, also for the anonymous account, as which nobody logs in.
        """
        ...

    async def account(self, account_id: int) -> Account:
        """The account of that id, the anonymous one too. Raises NotFound; deleted ones are not found."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """All accounts by name, without deleted ones and without the anonymous one."""
        ...

    async def set_password(self, account_id: int, password_hash: str) -> None:
        """Change the password; clears `default_password` and ends every session and token.

        This and the next three raise NotFound, also for the anonymous account.
        """
        ...

    async def set_role(self, account_id: int, role: Role) -> Account:
        """Change the role; ends every session and token. Raises Conflict for the last enabled admin."""
        ...

    async def set_enabled(self, account_id: int, enabled: bool) -> Account:
        """Disable (ends every session and token) or enable. Raises Conflict for the last enabled admin."""
        ...

    async def delete(self, account_id: int, now: int) -> Sequence[str]:
        """Delete: sessions, tokens, uploads and receipts end, files stay. Returns its upload ids.

        Raises Conflict for the last enabled admin. The name may be used again by a new id.
        """
        ...

    async def note_login(self, account_id: int, now: int) -> None:
        """Remember when the account last logged in."""
        ...

    async def add_session(self, session: Session, secret_hash: bytes) -> Session:
        """Store a session or token under the SHA-256 of its secret; returns it with its id.

        Raises NotFound when its account is disabled or deleted.
        """
        ...

    async def session(self, secret_hash: bytes, now: int) -> tuple[Session, Account]:
        """The session of that secret and its enabled account. Raises NotFound, also when expired."""
        ...

    async def sessions(self, account_id: int) -> Sequence[Session]:
        """An account's sessions and tokens, the newest first."""
        ...

    async def touch_session(self, session_id: int, now: int, expires: int) -> None:
        """Remember its last use and its new end."""
        ...

    async def end_session(self, session_id: int) -> None:
        """End one; nothing happens when there is none."""
        ...

    async def end_sessions(self, account_id: int, keep: int | None = None) -> int:
        """End all of an account's sessions and tokens but `keep`; returns how many."""
        ...

    async def expire_sessions(self, now: int) -> int:
        """Remove those whose time is over; returns how many."""
        ...

    async def note_failures(self, failures: Iterable[tuple[str, str, int]]) -> None:
        """Remember failed logins as (folded account name, address group, time)."""
        ...

    async def clear_failures(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Forget the failures of these (folded account name, address group): the owner got in."""
        ...

    async def failures(self, since: int) -> Sequence[tuple[str, str, int]]:
        """The failed logins since then, the oldest first, so that the limiter survives a restart."""
        ...

    async def forget_failures(self, before: int) -> None:
        """Forget failures older than that."""
        ...

    async def add_events(self, events: Iterable[Event]) -> None:
        """Append to the audit trail."""
        ...

    async def events(
        self,
        limit: int,
        *,
        before_id: int | None = None,
        account: str = "",
        action: str = "",
        text: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> Sequence[Event]:
        """Events, the newest first, that match all of the filters.

        `account` and `action` are whole; `text` is a piece of account, action, path,
        address or detail, where A to Z are not told from a to z; `since` is included,
        `until` is not.
        """
        ...
