"""The URL of a folder: its page, or with `?zip` all it holds in one file."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from fileshare.domain.access import Action, allows
from fileshare.domain.model import File
from fileshare.domain.names import name_of, parent_of, parse_folder
from fileshare.errors import BadRequest, Conflict
from fileshare.services.ports import Page
from fileshare.web.archive import send_archive, send_chosen
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.listings import MOST, View, view_of
from fileshare.web.origin import local_url
from fileshare.web.paths import file_path, file_url, folder_path, folder_url
from fileshare.web.redirects import see
from fileshare.web.rendering import render
from fileshare.web.rows import rows_of
from fileshare.web.selections import fields_of, selection_of
from fileshare.web.statuses import status_of

ROOT_TITLE = "Files"
"""What people call the folder that has no name."""

COLUMNS = ("name", "size", "modified")
"""What a listing can be sorted by."""


async def folder(request: web.Request) -> web.StreamResponse:
    """What is asked for. Raises NotFound, and as `Files.walk`."""
    if "zip" in request.query:
        return await send_archive(request)
    view = view_of(request)
    try:
        page = await services_of(request).files.listing(caller_of(request), view.asked())
    except Conflict:  # a file, whose URL has no slash at its end
        return web.Response(status=303, headers={"Location": file_url(request, view.folder) + "?details"})
    except BadRequest as error:
        if not view.query and view.cursor is None and view.sort in COLUMNS:
            raise  # the name of the folder itself
        return _answer(request, view, Page((), None), error)
    return _answer(request, view, page)


async def download_selected(request: web.Request) -> web.StreamResponse:
    """What was chosen on a page: a file as it is, all else as one ZIP."""
    files, caller = services_of(request).files, caller_of(request)
    chosen = selection_of(await fields_of(request))
    if len(chosen.paths) > 1:
        return await send_chosen(request, chosen.folder, chosen.paths)
    entry = await files.entry(caller, chosen.paths[0])
    if isinstance(entry, File):
        return see(request, file_path(entry.path))
    return see(request, folder_path(entry.path), zip="")


def _answer(request: web.Request, view: View, page: Page, error: BadRequest | None = None) -> web.Response:
    role = caller_of(request).account.role
    context = {
        "view": view,
        "folder": parse_folder(view.folder),
        "title": name_of(view.folder) or ROOT_TITLE,
        "crumbs": crumbs(request, view.folder),
        "rows": rows_of(request, page.entries),
        "columns": _columns(request, view),
        "most": MOST,
        "more": view.more(page.next).url(request) if page.next else "",
        "beginning": view.beginning().url(request) if view.cursor is not None else "",
        "unsearched": view.searched("").url(request),
        "everywhere": view.searched(view.query, "").url(request),
        "back": request.path_qs,
        "may": lambda action: allows(role, Action(action)),
        "found": _found(view, page),
        "error": error.message if error else "",
        **links(request),
    }
    return render(request, "files.html", context, status=status_of(error) if error else 200)


def _found(view: View, page: Page) -> str:
    """How much there is, for people who do not see the list change."""
    count = len(page.entries)
    if not count:
        return "Nothing found." if view.query else "Nothing is here."
    what = "found" if view.query else "shown"
    return f"{count} {what}, and there is more." if page.next else f"{count} {what}."


def links(request: web.Request) -> dict[str, Any]:
    """What the templates of this part make addresses by."""
    return {
        "file_url": lambda path: file_url(request, path),
        "folder_url": lambda path: folder_url(request, path),
        "name_of": name_of,
        "parent_of": parent_of,
        "upload_url": local_url(request, "/tus/"),
        "with_path": lambda page, path: local_url(request, f"{page}?path={quote(path, safe='')}"),
    }


def crumbs(request: web.Request, path: str) -> Sequence[tuple[str, str]]:
    """Name and address of each folder above `path`, the root first."""
    above: list[tuple[str, str]] = []
    while path:
        path = parent_of(path)
        above.append((name_of(path) or ROOT_TITLE, folder_url(request, path)))
    return above[::-1]


def _columns(request: web.Request, view: View) -> dict[str, tuple[str, str]]:
    """By column, the address that sorts by it, and the order that it has now."""
    now = "descending" if view.descending else "ascending"
    return {
        column: (view.sorted_by(column).url(request), now if view.sort == column else "none")
        for column in COLUMNS
    }
