"""Half-done uploads: one's own, and for an admin everyone's. Their bytes go through `/tus/`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from fileshare.domain.access import Action, allows
from fileshare.domain.accounts import ANONYMOUS
from fileshare.domain.model import OnConflict, Upload
from fileshare.errors import NotFound
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds
from fileshare.web.api.paging import Next, Paging, cut
from fileshare.web.origin import local_url


class HalfDone(Struct, frozen=True, kw_only=True):
    """An upload that is not finished. `size` and `sha256` are null where the client told none."""

    id: str
    path: str
    size: int | None
    offset: int
    sha256: str | None
    overwrite: bool
    created: Seconds
    touched: Seconds
    expires: Seconds
    owner: str
    url: str
    """Where tus goes on with it."""


class HalfDonePage(Struct, frozen=True, kw_only=True):
    """Uploads, the newest first."""

    uploads: list[HalfDone]
    next: Next


class UploadsQuery(Paging, frozen=True, kw_only=True):
    """`all` asks for everyone's, which needs an admin."""

    all: bool = False


@endpoint("GET", "/uploads", Action.UPLOAD)
async def list_uploads(asked: Asked[UploadsQuery, None]) -> HalfDonePage:
    """Half-done uploads, the newest first: one's own, or everyone's for an admin who asks for all."""
    uploads, caller = asked.services.uploads, asked.caller
    found = await (uploads.list_all(caller) if asked.query.all else uploads.list(caller))
    page, following = cut(found, lambda upload: f"{upload.created:016d}-{upload.id}", asked.query)
    names = await _names(asked, asked.query.all)
    return HalfDonePage(uploads=[_shown(asked, upload, names) for upload in page], next=following)


@endpoint("GET", "/uploads/{id:[^/]+}", Action.UPLOAD)
async def get_upload(asked: Asked[None, None]) -> HalfDone:
    """One half-done upload. Another's is not found, except by an admin."""
    uploads, caller = asked.services.uploads, asked.caller
    with suppress(NotFound):
        found = await uploads.look(caller, asked.named)
        if isinstance(found, Upload):
            return _shown(asked, found, await _names(asked, False))
    if allows(caller.account.role, Action.SEE_ANY_UPLOAD):
        for upload in await uploads.list_all(caller):
            if upload.id == asked.named:
                return _shown(asked, upload, await _names(asked, True))
    raise NotFound("There is no such half-done upload of yours.")


@endpoint("DELETE", "/uploads/{id:[^/]+}", Action.UPLOAD)
async def abort_upload(asked: Asked[None, None]) -> None:
    """Give an upload up: what had arrived of it is gone. An admin may do so with anyone's."""
    await asked.services.uploads.abort(asked.caller, asked.named)


async def _names(asked: Asked[Any, None], everyone: bool) -> Mapping[int, str]:
    """Names of owners by their ids; those of others are for an admin."""
    own = asked.caller.account
    if not everyone:
        return {own.id: own.name}
    accounts = await asked.services.accounts.list(asked.caller)
    return {ANONYMOUS.id: ANONYMOUS.name, **{account.id: account.name for account in accounts}}


def _shown(asked: Asked[Any, None], upload: Upload, names: Mapping[int, str]) -> HalfDone:
    return HalfDone(
        id=upload.id,
        path=upload.path,
        size=upload.size,
        offset=upload.offset,
        sha256=upload.digest,
        overwrite=upload.on_conflict is OnConflict.REPLACE,
        created=seconds(upload.created),
        touched=seconds(upload.touched),
        expires=seconds(asked.services.uploads.expires_at(upload)),
        owner=names.get(upload.owner_id, ""),
        url=local_url(asked.request, f"/tus/{upload.id}"),
    )


ENDPOINTS = (list_uploads, get_upload, abort_upload)
