"""What the server has: listings, page by page, of servers that may not be honest.

Yields as pages come, so that no listing has to fit in memory; an entry that doesn't lie
below what was listed never comes out of here.
"""

from collections import OrderedDict
from collections.abc import Iterator

from fileshare.client.conversation import Conversation
from fileshare.client.line import Line
from fileshare.client.local import below
from fileshare.domain import names
from fileshare.errors import BadName, NotFound, ProtocolError
from fileshare.wire import messages as m

_FOLDERS_KEPT = 8
"""Listings that are kept at hand: walking stays in one folder at a time, per connection."""


def entries(
    line: Line, folder: str, *, recursive: bool = False, ahead: bool = False
) -> Iterator[m.EntryInfo | BadName]:
    """The entries of a folder, in the server's order. Raises NotFound; an unusable name comes as BadName.

    `ahead`: the line is for this alone, so the next page is on its way while one is gone through.
    """
    cursor = ""
    pages = _Pages(line, folder, recursive=recursive, ahead=ahead)
    while True:
        page = pages.page(cursor)
        for entry in page.entries:
            yield _checked(folder, entry)
        if page.next is None:
            return
        if page.next == cursor or not page.entries:
            raise ProtocolError("The server's listing does not come to an end.")
        cursor = page.next


class _Pages:
    """The pages of one listing, asked for one by one or one ahead."""

    def __init__(self, line: Line, folder: str, *, recursive: bool, ahead: bool) -> None:
        self._line = line
        self._folder = folder
        self._recursive = recursive
        self._ahead = ahead
        self._asked: tuple[Conversation, str] | None = None

    def page(self, cursor: str) -> m.EntryPage:
        return self._line.persist(lambda conversation: self._page(conversation, cursor))

    def _page(self, conversation: Conversation, cursor: str) -> m.EntryPage:
        asked, self._asked = self._asked, None
        if asked is None or asked[0] is not conversation or asked[1] != cursor:
            self._ask(conversation, cursor)
        page = conversation.expect(m.EntryPage)
        if self._ahead and page.next is not None:
            self._ask(conversation, page.next)
            self._asked = conversation, page.next
        return page

    def _ask(self, conversation: Conversation, cursor: str) -> None:
        conversation.tell(m.List(path=self._folder, recursive=self._recursive, cursor=cursor))


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
