"""The rows: folders, files, versions, uploads, receipts and trash, and what is asked of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from fileshare.domain.model import Entry, File, Folder, OnConflict, Receipt, Trashed, Upload, Version
from fileshare.errors import FileshareError
from fileshare.services.ports.blobs import Content


class Finish(Struct, frozen=True):
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


class Page(Struct, frozen=True):
    """Some entries in order, and the cursor of the next page, None at the end.

    A cursor is opaque text; it stays good while entries come and go.
    """

    entries: Sequence[Entry]
    next: str | None


class Listing(Struct, frozen=True):
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


class Usage(Struct, frozen=True):
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

    async def stored(self, path: str, number: int | None) -> tuple[Version, Content]:
        """A version of a file, None for the current one, and its content, in one unchanging state.

        Raises NotFound, also where the file has no such version; Conflict for a folder.
        """
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
