"""Files and folders as the API shows them."""

from typing import Literal

from msgspec import Struct

from fileshare.domain.model import Entry as StoredEntry
from fileshare.domain.model import File
from fileshare.domain.names import name_of
from fileshare.web.api.moments import Seconds, seconds

Kind = Literal["file", "folder"]


class Entry(Struct, frozen=True, kw_only=True):
    """A file or a folder; what only files have is null for a folder."""

    path: str
    name: str
    kind: Kind
    size: int | None
    modified: Seconds
    sha256: str | None
    version: int | None
    owner: str | None


def entry_of(stored: StoredEntry) -> Entry:
    """A file or folder of the services."""
    name = name_of(stored.path)
    if isinstance(stored, File):
        version = stored.version
        return Entry(
            path=stored.path,
            name=name,
            kind="file",
            size=version.size,
            modified=seconds(version.modified),
            sha256=version.digest,
            version=version.number,
            owner=version.owner,
        )
    return Entry(
        path=stored.path,
        name=name,
        kind="folder",
        size=None,
        modified=seconds(stored.modified),
        sha256=None,
        version=None,
        owner=None,
    )
