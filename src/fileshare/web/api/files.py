"""Files and folders by their paths: list, search, look at, move, delete, and which of many exist."""

from contextlib import suppress
from typing import Annotated, Literal

from msgspec import Meta, Struct

from fileshare.domain.access import Action
from fileshare.errors import BadName, NotFound
from fileshare.services.ports import Listing
from fileshare.web.api.asking import Body
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.entries import Entry, Kind, entry_of
from fileshare.web.api.names import Path
from fileshare.web.api.paging import Next, Paging, cursor_of
from fileshare.web.api.trash import InTrash, in_trash

MAX_ASKED = 1000
"""Paths in one question whether they exist: a look each in the database."""


class ListingQuery(Paging, frozen=True, kw_only=True):
    """What to list: a folder, or with `q` all below it whose name holds that piece, in any case."""

    path: Annotated[str, Meta(description="The folder; empty for the root.")] = ""
    q: Annotated[str, Meta(description="A piece of the names to search for.")] = ""
    sort: Literal["name", "size", "modified"] = "name"
    order: Literal["asc", "desc"] = "asc"


class EntryPage(Struct, frozen=True, kw_only=True):
    """Folders first, then files."""

    files: list[Entry]
    next: Next


class NewPath(Body, frozen=True, kw_only=True):
    """Where something is to stand."""

    path: Path


class Paths(Body, frozen=True, kw_only=True):
    """Which paths to look for."""

    paths: Annotated[list[str], Meta(max_length=MAX_ASKED)]


class Existing(Struct, frozen=True, kw_only=True):
    """What stands at a path; `path` is as it was asked for. A folder has neither size nor digest."""

    path: str
    kind: Kind
    size: int | None
    sha256: str | None


class ExistingPaths(Struct, frozen=True, kw_only=True):
    """Those of the paths at which something stands, in the order of the question."""

    files: list[Existing]


@endpoint("GET", "/files", Action.LIST)
async def list_files(asked: Asked[ListingQuery, None]) -> EntryPage:
    """A folder, page by page, or what a search below it finds."""
    query = asked.query
    what = Listing(
        path=query.path.removesuffix("/"),
        limit=query.limit,
        cursor=cursor_of(query),
        sort=query.sort,
        descending=query.order == "desc",
        query=query.q,
    )
    page = await asked.services.files.listing(asked.caller, what)
    return EntryPage(files=[entry_of(entry) for entry in page.entries], next=page.next)


@endpoint("POST", "/files/exists", Action.LIST)
async def which_exist(asked: Asked[None, Paths]) -> ExistingPaths:
    """Which of up to 1,000 paths are taken, and by what content. A path that can't be is not taken."""
    found = []
    for path in asked.body.paths:
        with suppress(NotFound, BadName):
            entry = entry_of(await asked.services.files.entry(asked.caller, path))
            found.append(Existing(path=path, kind=entry.kind, size=entry.size, sha256=entry.sha256))
    return ExistingPaths(files=found)


@endpoint("GET", "/files/{path:.+}", Action.LIST)
async def get_file(asked: Asked[None, None]) -> Entry:
    """One file or folder. Its content is at `/files/<path>`."""
    return entry_of(await asked.services.files.entry(asked.caller, asked.named))


@endpoint("PATCH", "/files/{path:.+}", Action.MOVE, stands=get_file)
async def move_file(asked: Asked[None, NewPath]) -> Entry:
    """Move or rename a file or folder. Missing folders are made; a path that is taken is a conflict."""
    return entry_of(await asked.services.files.move(asked.caller, asked.named, asked.body.path))


@endpoint("DELETE", "/files/{path:.+}", Action.DELETE, stands=get_file)
async def delete_file(asked: Asked[None, None]) -> InTrash:
    """Move a file, or a folder with all it holds, to the trash."""
    return in_trash(await asked.services.files.delete(asked.caller, asked.named))


ENDPOINTS = (list_files, which_exist, get_file, move_file, delete_file)
