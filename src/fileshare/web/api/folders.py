"""New folders."""

from fileshare.domain.access import Action
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.entries import Entry, entry_of
from fileshare.web.api.files import NewPath


@endpoint("POST", "/folders", Action.MKDIR, status=201)
async def make_folder(asked: Asked[None, NewPath]) -> Entry:
    """Make a folder and those above it; one that is there already stays as it is."""
    return entry_of(await asked.services.files.make_folder(asked.caller, asked.body.path))


ENDPOINTS = (make_folder,)
