"""Files and folders as names: listing, looking, moving, deleting, and their versions."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.wire.messages.shapes import Reply, Request2, VersionNumber


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
    version: VersionNumber | UnsetType = UNSET


class Versions(Request2, frozen=True, kw_only=True):
    """All versions of a file."""

    command = "VERSIONS"
    path: str


class Restore(Request2, frozen=True, kw_only=True):
    """Make an old version the current one again, or, without a version, take a path out of the trash."""

    command = "RESTORE"
    path: str
    version: VersionNumber | UnsetType = UNSET


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


class Done(Reply, frozen=True, kw_only=True):
    """It is done, and there is nothing to tell."""


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
