"""New folder, rename, delete, and an older version made current: each a page with a form.

Asked for by a link or with what was selected, they show the form; sent, they act and lead
back. Our script shows the same pages as dialogs. The services check who may.
"""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from fileshare.domain.model import File
from fileshare.domain.names import join, name_of, parent_of, parse_folder, parse_path
from fileshare.errors import BadName, BadRequest, Conflict, FileshareError, NotFound
from fileshare.web.downloads import version_number
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.origin import local_url
from fileshare.web.paths import file_path, folder_path
from fileshare.web.redirects import see
from fileshare.web.rendering import render
from fileshare.web.selections import Selection, back_of, fields_of, see_again, selection_of
from fileshare.web.statuses import status_of

ONE_ALONE = "Choose just one to rename."


async def new_folder(request: web.Request) -> web.Response:
    """A folder inside the one of the field `path`."""
    fields = await fields_of(request)
    folder = parse_folder(fields.first("path"))
    back = back_of(fields, folder)
    name = fields.first("name").strip()
    if not fields.decided("name"):
        return form(request, "folder_new.html", back, folder=folder, name="")
    try:
        await services_of(request).files.make_folder(caller_of(request), join(folder, _one(name)))
    except (BadRequest, Conflict) as error:
        return form(request, "folder_new.html", back, error, folder=folder, name=name)
    return see_again(request, back, "folder_made")


async def rename(request: web.Request) -> web.Response:
    """Another name in the same folder."""
    fields = await fields_of(request)
    chosen = selection_of(fields)
    path, name = chosen.paths[0], fields.first("name").strip()
    if len(chosen.paths) > 1:
        raise BadRequest(ONE_ALONE)
    if not fields.decided("name"):
        await services_of(request).files.entry(caller_of(request), path)
        return form(request, "rename.html", chosen.back, path=path, name=name_of(path))
    try:
        to = parse_path(join(parent_of(path), _one(name)))
        if to != path:
            await services_of(request).files.move(caller_of(request), path, to)
    except (BadRequest, Conflict) as error:
        return form(request, "rename.html", chosen.back, error, path=path, name=name)
    return after_move(request, chosen, {path: to}, "renamed")


async def delete(request: web.Request) -> web.Response:
    """To the trash, all that was chosen; what is gone already is no failure."""
    fields = await fields_of(request)
    chosen = selection_of(fields)
    if not fields.decided("confirm"):
        return form(request, "delete.html", chosen.back, chosen=chosen)
    files, caller = services_of(request).files, caller_of(request)
    done, error = await each(chosen.paths, lambda path: files.delete(caller, path), passes=NotFound)
    if error is not None:
        return form(request, "delete.html", chosen.back, error, chosen=chosen.without(done))
    gone = any(chosen.back.startswith(file_path(path) + "?") for path in done)  # its own page
    return see_again(request, folder_path(chosen.folder) if gone else chosen.back, "deleted")


async def restore(request: web.Request) -> web.Response:
    """An older version's content as the next version."""
    fields = await fields_of(request)
    path, number = parse_path(fields.first("path")), version_number(fields.first("version"))
    restored: File = await services_of(request).files.restore_version(caller_of(request), path, number)
    return see(request, file_path(restored.path), details="", done="restored")


async def each(
    paths: Sequence[str],
    act: Callable[[str], Awaitable[object]],
    passes: type[FileshareError] | tuple[()] = (),
) -> tuple[Sequence[str], FileshareError | None]:
    """Do it to one after the other: those that are done, and why it stopped, with the name of which."""
    done: list[str] = []
    for path in paths:
        try:
            await act(path)
        except passes:
            pass
        except (BadRequest, Conflict, NotFound) as error:
            return done, type(error)(f"{name_of(path)}: {error.message}")
        done.append(path)
    return done, None


def after_move(request: web.Request, chosen: Selection, moved: dict[str, str], done: str) -> web.Response:
    """Back; to the new address of what was looked at, where that was moved."""
    for path, to in moved.items():
        if chosen.back.startswith(file_path(path) + "?"):
            return see(request, file_path(to), details="", done=done)
    return see_again(request, chosen.back, done)


def form(
    request: web.Request, template: str, back: str, error: FileshareError | None = None, **context: object
) -> web.Response:
    """The page with the form, and what was wrong with what was sent."""
    shown = {
        "back": back,
        "back_url": local_url(request, back),
        "error": error.message if error else "",
        **context,
    }
    return render(request, template, shown, status=status_of(error) if error else 200)


def _one(name: str) -> str:
    """A name that is one name. Raises BadName."""
    if "/" in name:
        raise BadName("A name has no '/' in it: that is what separates folders.")
    return name
