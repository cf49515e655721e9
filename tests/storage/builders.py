"""Values for the tests of stores, with everything but what a test is about filled in."""

import hashlib
from itertools import count

from msgspec.structs import replace

from fileshare.domain.model import File, OnConflict, Receipt, Upload, UploadState
from fileshare.errors import FileshareError
from fileshare.services.ports import Catalog, Finish

ANNA, BEN = 1, 2
NAMES = {0: "anonymous", ANNA: "anna", BEN: "ben"}
NOW = 1_700_000_000_000
BOOT = "11111111-2222-3333-4444-555555555555"

_ids = count(1)


def new_id() -> str:
    """32 hex digits that no other test's upload has."""
    return f"{next(_ids):032x}"


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


UPLOAD = Upload(
    id="",
    client_id=None,
    owner_id=ANNA,
    path="report.txt",
    size=10,
    digest=digest_of(b"0123456789"),
    on_conflict=OnConflict.KEEP_BOTH,
    modified=NOW - 5000,
    state=UploadState.RECEIVING,
    offset=0,
    epoch=1,
    boot_id=BOOT,
    device=7,
    created=NOW,
    touched=NOW,
)


def an_upload(**changes: object) -> Upload:
    return replace(UPLOAD, **{"id": new_id(), **changes})


def small(path: str, data: bytes = b"0123456789", **changes: object) -> Finish:
    """A finished upload whose bytes go into the database."""
    item = Finish(
        owner_id=ANNA,
        upload_id=new_id(),
        client_id=None,
        path=path,
        digest=digest_of(data),
        size=len(data),
        modified=NOW - 5000,
        on_conflict=OnConflict.KEEP_BOTH,
        data=data,
    )
    return replace(item, **changes)


def blob(path: str, data: bytes = b"0123456789", **changes: object) -> Finish:
    """A finished upload whose bytes lie on disk."""
    return replace(small(path, data, **changes), data=None)


async def finish(catalog: Catalog, item: Finish, now: int = NOW) -> Receipt:
    (outcome,) = await catalog.finish([item], now)
    if isinstance(outcome, FileshareError):
        raise outcome
    return outcome


async def put(catalog: Catalog, *paths: str, now: int = NOW) -> None:
    """Files whose content is their own path."""
    for path in paths:
        await finish(catalog, small(path, path.encode()), now)


async def file_at(catalog: Catalog, path: str) -> File:
    found = await catalog.entry(path)
    assert isinstance(found, File)
    return found
