"""What somebody asks to upload, looked at before the first byte.

Everything that can be refused early is refused here, for bytes that come in pieces as
for whole files; nothing is stored.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from fileshare.domain import upload as life
from fileshare.domain.access import Action, check
from fileshare.domain.digest import parse_digest
from fileshare.domain.model import Caller, Folder, OnConflict, Receipt, Upload
from fileshare.domain.names import parent_of, parse_path, shown
from fileshare.errors import Conflict, NotFound
from fileshare.services.workshop import Workshop, refuse_size

PIECE_PATH = "piece "
"""What the rows of pieces have in the place of a path; each has its own."""


class NewUpload(Struct, frozen=True):
    """What a client asks for. `path` and `digest` are raw text; `modified` is milliseconds."""

    path: str
    size: int | None = None
    digest: str | None = None
    on_conflict: OnConflict = OnConflict.KEEP_BOTH
    modified: int | None = None
    client_id: str | None = None
    partial: bool = False
    """A piece that will be joined with others: its path says nothing."""
    note: str = ""


async def checked(shop: Workshop, caller: Caller, new: NewUpload) -> Upload:
    """The upload as it would be, when the caller may and the path can take it.

    Raises Forbidden, BadName, BadDigest, TooLarge, BadOffset and Conflict. Nothing is stored.
    """
    check(caller, Action.UPLOAD)
    if new.on_conflict is OnConflict.REPLACE:
        check(caller, Action.OVERWRITE)
    upload_id = new_id(shop)
    path = f"{PIECE_PATH}{upload_id}" if new.partial else parse_path(new.path)
    await _refuse_folder(shop, path)
    refuse_size(shop, new.size)
    return life.begin(
        upload_id,
        caller.account.id,
        path,
        now=shop.clock(),
        boot_id=shop.blobs.boot_id,
        device=shop.blobs.device,
        client_id=new.client_id,
        size=new.size,
        digest=None if new.digest is None else parse_digest(new.digest),
        on_conflict=new.on_conflict,
        modified=new.modified,
        partial=new.partial,
        note=new.note,
    )


def new_id(shop: Workshop) -> str:
    """32 hex digits that nobody can guess. In order of time, so that batches touch few pages."""
    return new_ids(shop, 1)[0]


def new_ids(shop: Workshop, count: int) -> Sequence[str]:
    """So many of them, by asking the system for chance once: each call lets other threads in between."""
    time, chance = f"{shop.clock():012x}", secrets.token_hex(10 * count)
    return [time + chance[20 * number : 20 * (number + 1)] for number in range(count)]


async def _refuse_folder(shop: Workshop, path: str) -> None:
    """Say before the first byte what the commit would refuse: a folder there, a file above."""
    try:
        there = await shop.catalog.entry(path)
    except NotFound:
        if parent := parent_of(path):
            await _refuse_file(shop, parent)
    else:
        if isinstance(there, Folder):
            raise Conflict(f"{shown(path)} is a folder: choose another name for the file.")


async def _refuse_file(shop: Workshop, path: str) -> None:
    while path:
        with suppress(NotFound):
            if not isinstance(await shop.catalog.entry(path), Folder):
                raise Conflict(f"{shown(path)} is a file, so nothing can be put below it.")
            return
        path = parent_of(path)


async def known_upload(shop: Workshop, caller: Caller, client_id: str, path: str) -> Upload | Receipt | None:
    """The caller's upload of that client id, or its receipt. Raises Conflict when it is of another path.

    The upload is looked for first: what is finished between the two looks shows in the second.
    """
    upload = await shop.catalog.upload_by_client_id(caller.account.id, client_id)
    receipt = await shop.catalog.receipt(caller.account.id, client_id)
    if receipt is None:
        if upload is None or upload.path == path or (upload.partial and path.startswith(PIECE_PATH)):
            return upload
    elif receipt.requested == path:
        return receipt
    raise Conflict(f"The upload id {client_id!r} belongs to another path: choose a new one.")
