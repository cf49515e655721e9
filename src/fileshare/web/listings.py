"""What a folder's page shows: its folder, order, search and place, all of it in the address.

So that a reload, the back button and a link sent to somebody show the same. Knows no
HTML; whether a value makes sense is for the services to say.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web

from fileshare.services.ports import Listing
from fileshare.web.paths import folder_url, path_of

PAGE = 100
"""Rows at first: more than anyone reads at once, and a page of some 10 kB."""

MOST = 500
"""Rows of one page; from there on it goes on with the next one, so that nobody waits long."""

LARGEST_FIRST = ("size", "modified")
"""What one sorts by to see the largest or newest, so that this is the first order."""


@dataclass(frozen=True, slots=True)
class View:
    """One folder's page as its address describes it."""

    folder: str
    sort: str = "name"
    descending: bool = False
    query: str = ""
    shown: int = PAGE
    cursor: str | None = None

    def asked(self) -> Listing:
        """The same as the services are asked."""
        return Listing(self.folder, self.shown, self.cursor, self.sort, self.descending, self.query)

    def url(self, request: web.Request) -> str:
        """Its address; what is as usual is left out."""
        told = {
            "q": self.query,
            "sort": self.sort if self.sort != "name" else "",
            "order": "desc" if self.descending else "",
            "shown": str(self.shown) if self.shown != PAGE else "",
            "cursor": self.cursor or "",
        }
        asked = urlencode({name: value for name, value in told.items() if value})
        return folder_url(request, self.folder) + (f"?{asked}" if asked else "")

    def sorted_by(self, sort: str) -> "View":
        """The first page in that order; in the opposite one where it is in that order already."""
        again = self.sort == sort
        return replace(self._first(), sort=sort, descending=not self.descending if again else _usual(sort))

    def more(self, cursor: str) -> "View":
        """More rows of this page, or the next page where it is long enough. `cursor` is that of the next."""
        if self.shown < MOST:
            return replace(self, shown=min(self.shown + PAGE, MOST))
        return replace(self, shown=PAGE, cursor=cursor)

    def beginning(self) -> "View":
        """The first page of the same."""
        return self._first()

    def searched(self, query: str, folder: str | None = None) -> "View":
        """A search in the same order, here or below another folder; an empty one ends it."""
        return replace(self._first(), query=query, folder=self.folder if folder is None else folder)

    def _first(self) -> "View":
        return replace(self, shown=PAGE, cursor=None)


def view_of(request: web.Request) -> View:
    """What the request's address describes. Raises BadName."""
    asked = request.query
    return View(
        folder=path_of(request),
        sort=asked.get("sort", "name"),
        descending=asked.get("order") == "desc",
        query=asked.get("q", "").strip(),
        shown=_shown_of(asked.get("shown", "")),
        cursor=asked.get("cursor"),
    )


def _usual(sort: str) -> bool:
    return sort in LARGEST_FIRST


def _shown_of(text: str) -> int:
    """Within what a page may hold, whatever somebody wrote."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else PAGE
    return min(max(number, PAGE), MOST)
