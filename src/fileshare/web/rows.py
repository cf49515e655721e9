"""What each row of a folder's page says, worked out once: a page has up to 500 of them.

Plain texts for the template, which escapes them. Knows no HTML, and asks nothing of
the services.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from fileshare.domain.model import Entry, File
from fileshare.domain.names import name_of
from fileshare.web.disposition import icon_of
from fileshare.web.long_names import halves, is_long, plain
from fileshare.web.origin import local_url
from fileshare.web.paths import file_path, folder_path
from fileshare.web.texts import iso_text, moment_of, size_text


class Row(NamedTuple):
    """One file or folder; a folder has no size, owner and digest. A tuple is made faster than a dataclass."""

    path: str
    label: str
    """The name without power over what stands beside it; `head` and `tail` are the same in two pieces."""
    head: str
    tail: str
    icon: str
    address: str
    """Of the file's bytes, or of the folder's page."""
    time: str
    moment: str
    is_file: bool
    size: str = ""
    owner: str = ""
    digest: str = ""


def rows_of(request: web.Request, entries: Sequence[Entry]) -> Sequence[Row]:
    """The rows of a page in the order of its entries."""
    home = local_url(request, "")
    return [_row(home, entry) for entry in entries]


def _row(home: str, entry: Entry) -> Row:
    path = entry.path
    name = name_of(path)
    label = plain(name)
    head, tail = halves(name) if is_long(name) else (label, "")
    if isinstance(entry, File):
        version = entry.version
        time = iso_text(version.modified)
        return Row(
            path,
            label,
            head,
            tail,
            icon_of(name),
            home + file_path(path),
            time,
            moment_of(time),
            True,
            size_text(version.size),
            version.owner,
            version.digest,
        )
    time = iso_text(entry.modified)
    return Row(path, label, head, tail, "folder", home + folder_path(path), time, moment_of(time), False)
