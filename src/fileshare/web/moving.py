"""Move what was chosen into another folder, which is picked by going through the folders."""

from collections.abc import Sequence

from aiohttp import web

from fileshare.domain.model import Folder
from fileshare.domain.names import join, name_of, parent_of, parse_folder
from fileshare.errors import FileshareError
from fileshare.services.ports import Listing
from fileshare.web.changes import after_move, each, form
from fileshare.web.folders import ROOT_TITLE
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.selections import Selection, fields_of, selection_of

FOLDERS = 200
"""Folders offered at a time: who has more in one place finds the rest by the search of the list."""


async def move(request: web.Request) -> web.Response:
    """Into the folder of the field `to`; without it, the page to pick one, at the folder of `look`."""
    fields = await fields_of(request)
    chosen = selection_of(fields)
    if not fields.decided("to"):
        return await _picker(request, chosen, parse_folder(fields.first("look", chosen.folder)))
    files, caller, to = services_of(request).files, caller_of(request), parse_folder(fields.first("to"))
    targets = {path: join(to, name_of(path)) for path in chosen.paths}
    done, error = await each(chosen.paths, lambda path: files.move(caller, path, targets[path]))
    if error is not None:
        return await _picker(request, chosen.without(done), to, error)
    return after_move(request, chosen, targets, "moved")


async def _picker(
    request: web.Request, chosen: Selection, look: str, error: FileshareError | None = None
) -> web.Response:
    page = await services_of(request).files.listing(caller_of(request), Listing(look, FOLDERS))
    folders = [entry.path for entry in page.entries if isinstance(entry, Folder)]
    return form(
        request,
        "move.html",
        chosen.back,
        error,
        chosen=chosen,
        look=look,
        title=name_of(look) or ROOT_TITLE,
        above=_above(look),
        folders=[path for path in folders if path not in chosen.paths],
        cut=len(folders) == FOLDERS and page.next is not None,
        there=all(parent_of(path) == look for path in chosen.paths),
    )


def _above(path: str) -> Sequence[tuple[str, str]]:
    """Path and name of each folder above, the root first."""
    above: list[tuple[str, str]] = []
    while path:
        path = parent_of(path)
        above.append((path, name_of(path) or ROOT_TITLE))
    return above[::-1]
