"""What the server has: listings, page by page, of servers that may not be honest.

Yields as pages come, so that no listing has to fit in memory; an entry that doesn't lie
below what was listed never comes out of here.
"""

from collections import OrderedDict
from collections.abc import Iterator

from fileshare.client.line import Line
from fileshare.client.local import below
from fileshare.domain import names
from fileshare.errors import BadName, NotFound, ProtocolError
from fileshare.wire import messages as m

_FOLDERS_KEPT = 8
"""Listings that are kept at hand: walking stays in one folder at a time, per connection."""


def entries(line: Line, folder: str, *, recursive: bool = False) -> Iterator[m.EntryInfo | BadName]:
    """The entries of a folder, in the server's order. Raises NotFound; an unusable name comes as BadName."""
    cursor = ""
    while True:
        page = line.ask(m.List(path=folder, recursive=recursive, cursor=cursor), m.EntryPage)
        for entry in page.entries:
            yield _checked(folder, entry)
        if page.next is None:
            return
        if page.next == cursor or not page.entries:
            raise ProtocolError("The server's listing does not come to an end.")
        cursor = page.next


def _checked(folder: str, entry: m.EntryInfo) -> m.EntryInfo | BadName:
    try:
        below(folder, entry.path)
    except BadName as error:
        return error
    return entry


class StoredFolders:
    """Looks up stored files by path, a folder's listing at a time."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._listings: OrderedDict[str, dict[str, m.EntryInfo]] = OrderedDict()

    def file(self, path: str) -> m.EntryInfo | None:
        """The file stored at `path`, as it was when its folder was first looked at."""
        folder = names.parent_of(path)
        if folder not in self._listings:
            self._listings[folder] = self._list(folder)
            if len(self._listings) > _FOLDERS_KEPT:
                self._listings.popitem(last=False)
        found = self._listings[folder].get(path)
        return found if found is not None and found.kind == "file" else None

    def _list(self, folder: str) -> dict[str, m.EntryInfo]:
        try:
            return {
                entry.path: entry for entry in entries(self._line, folder) if isinstance(entry, m.EntryInfo)
            }
        except NotFound:
            return {}
