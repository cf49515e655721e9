"""The URL of a file: the file itself, or with `?details` a page about it."""

from collections.abc import Sequence

from aiohttp import web

from fileshare.domain.access import Action, allows
from fileshare.domain.model import Version
from fileshare.domain.names import name_of, parent_of
from fileshare.errors import Conflict, Damaged, NotFound
from fileshare.web.downloads import download, version_of
from fileshare.web.folders import crumbs, links
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.paths import file_path, folder_path, path_of
from fileshare.web.previews import Preview, Shown, preview_of
from fileshare.web.redirects import see
from fileshare.web.rendering import render


async def file(request: web.Request) -> web.StreamResponse:
    """What is asked for. Raises as `downloads.download`."""
    return await (_details(request) if "details" in request.query else download(request))


async def _details(request: web.Request) -> web.Response:
    """One version, the current one unless another is asked for, and the list of all."""
    services, caller, path = services_of(request), caller_of(request), path_of(request)
    try:
        versions = await services.files.versions(caller, path)
    except Conflict:
        return see(request, folder_path(path))
    version = _chosen(versions, version_of(request))
    try:
        preview, damaged = await preview_of(services.files, caller, path, version), ""
    except Damaged as error:
        preview, damaged = Preview(Shown.NOTHING), error.message
    role = caller.account.role
    context = {
        "path": path,
        "name": name_of(path),
        "folder": parent_of(path),
        "crumbs": crumbs(request, path),
        "seen": version,
        "versions": versions,
        "current": versions[0],
        "preview": preview,
        "damaged": damaged,
        "may": lambda action: allows(role, Action(action)),
        "back": f"{file_path(path)}?details",
        **links(request),
    }
    return render(request, "file.html", context)


def _chosen(versions: Sequence[Version], number: int | None) -> Version:
    for version in versions:
        if number in (None, version.number):
            return version
    raise NotFound(f"The file has no version {number}.")
