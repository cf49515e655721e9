"""What was deleted and is not gone yet: see it, take it back, delete it for good. For admins."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.domain.access import Action
from fileshare.domain.model import Trashed
from fileshare.errors import BadRequest
from fileshare.web.api.asking import Body
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.entries import Entry, Kind, entry_of
from fileshare.web.api.moments import Seconds, seconds
from fileshare.web.api.names import Path
from fileshare.web.api.numbers import number_named
from fileshare.web.api.paging import Next, Paging, cut


class InTrash(Struct, frozen=True, kw_only=True):
    """A file or folder in the trash. `size` is of all it holds, in bytes."""

    id: int
    path: str
    kind: Kind
    size: int
    deleted: Seconds
    deleted_by: str


class TrashPage(Struct, frozen=True, kw_only=True):
    """What is in the trash, the newest first."""

    trash: list[InTrash]
    next: Next


class Freed(Struct, frozen=True, kw_only=True):
    """Bytes that were given up; the disk follows a little later."""

    bytes: int


class Restore(Body, frozen=True, kw_only=True):
    """What to take back: a path's newest entry in the trash, one of its versions, or an entry by its id."""

    path: Path | UnsetType = UNSET
    version: Annotated[int, Meta(ge=1, le=2**53 - 1)] | UnsetType = UNSET
    trash_id: Annotated[int, Meta(ge=1, le=2**53 - 1)] | UnsetType = UNSET


def in_trash(trashed: Trashed) -> InTrash:
    """An entry of the services."""
    return InTrash(
        id=trashed.id,
        path=trashed.path,
        kind="folder" if trashed.kind == "folder" else "file",
        size=trashed.size,
        deleted=seconds(trashed.deleted),
        deleted_by=trashed.deleted_by,
    )


@endpoint("GET", "/trash", Action.RESTORE)
async def list_trash(asked: Asked[Paging, None]) -> TrashPage:
    """What is in the trash, the newest first."""
    found = await asked.services.files.trashed(asked.caller)
    page, following = cut(found, lambda one: f"{one.deleted:016d}-{one.id:016d}", asked.query)
    return TrashPage(trash=[in_trash(one) for one in page], next=following)


@endpoint("DELETE", "/trash", Action.PURGE)
async def empty_trash(asked: Asked[None, None]) -> Freed:
    """Delete all that is in the trash for good."""
    return Freed(bytes=await asked.services.files.empty_trash(asked.caller))


@endpoint("DELETE", "/trash/{id:[^/]+}", Action.PURGE)
async def purge_trashed(asked: Asked[None, None]) -> Freed:
    """Delete one entry of the trash for good."""
    entry = number_named(asked.named, "There is no such entry in the trash.")
    return Freed(bytes=await asked.services.files.purge_trashed(asked.caller, entry))


@endpoint("POST", "/restore", Action.RESTORE)
async def restore(asked: Asked[None, Restore]) -> Entry:
    """Take something back: out of the trash, or an old version as the newest one. Nothing is lost by it."""
    files, what = asked.services.files, asked.body
    if what.path is not UNSET and what.trash_id is UNSET:
        if what.version is UNSET:
            return entry_of(await files.restore_path(asked.caller, what.path))
        return entry_of(await files.restore_version(asked.caller, what.path, what.version))
    if what.trash_id is not UNSET and what.path is UNSET and what.version is UNSET:
        return entry_of(await files.restore_trashed(asked.caller, what.trash_id))
    raise BadRequest("Name either a path, with or without one of its versions, or a trash_id.")


ENDPOINTS = (list_trash, empty_trash, purge_trashed, restore)
