"""What somebody chose on a page to do something with, and the page that they come back to."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from fileshare.domain.names import name_of, parent_of, parse_folder, parse_path
from fileshare.errors import BadRequest
from fileshare.web.forms import read_pairs
from fileshare.web.notices import PARAMETER
from fileshare.web.paths import FILES, folder_path
from fileshare.web.redirects import safe_next, see

SHOWN = 8
"""Names of a selection that a page repeats."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form, or of an address where the page was asked for by a link."""

    pairs: Sequence[tuple[str, str]]
    sent: bool
    """By POST, which alone may change anything: a GET was not asked whether it comes from our page."""

    def decided(self, name: str) -> bool:
        """Whether somebody sent the field that says what to do."""
        return self.sent and any(known == name for known, _ in self.pairs)

    def all(self, name: str) -> Sequence[str]:
        """Every value of that name."""
        return [value for known, value in self.pairs if known == name]

    def first(self, name: str, default: str = "") -> str:
        """The first value of that name."""
        return next(iter(self.all(name)), default)


async def fields_of(request: web.Request) -> Fields:
    """What was asked. Raises BadRequest, TimeoutError."""
    if request.method != "POST":
        return Fields(list(request.query.items()), sent=False)
    return Fields(await read_pairs(request), sent=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """Some paths, the folder that they were chosen in, and where to go back to."""

    paths: Sequence[str]
    folder: str
    back: str

    @property
    def names(self) -> Sequence[str]:
        """The first of their names."""
        return [name_of(path) for path in self.paths[:SHOWN]]

    @property
    def more(self) -> int:
        """How many are not among those."""
        return len(self.paths) - len(self.names)

    def without(self, paths: Sequence[str]) -> "Selection":
        """The same without these."""
        return Selection([path for path in self.paths if path not in paths], self.folder, self.back)


def selection_of(fields: Fields) -> Selection:
    """What was chosen. Raises BadName, and BadRequest when it was nothing."""
    paths = [parse_path(path) for path in dict.fromkeys(fields.all("path"))]
    if not paths:
        raise BadRequest("Nothing is selected: go back and mark at least one file or folder.")
    folder = parse_folder(fields.first("folder", parent_of(paths[0])))
    return Selection(paths, folder, back_of(fields, folder))


def back_of(fields: Fields, folder: str) -> str:
    """The page of files that somebody came from, without what it said was done; else the folder's."""
    told = fields.first("back")
    if safe_next(told) != told or not told.startswith(FILES):
        return folder_path(folder)
    path, _, query = told.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, True) if name != PARAMETER]
    return f"{path}?{urlencode(kept)}" if kept else path


def see_again(request: web.Request, back: str, done: str) -> web.Response:
    """Back to the page, which says what was done."""
    path, _, query = back.partition("?")
    return see(request, path, **{**dict(parse_qsl(query, True)), PARAMETER: done})
