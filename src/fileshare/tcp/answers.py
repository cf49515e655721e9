"""From an error's class to the status that the wire has for it, and from values to messages.

The only place of this door that knows both; a class without a row is an ERROR with its code.
"""

from collections.abc import Callable

from msgspec import UNSET

from fileshare.domain.model import Entry, File, Receipt, Upload, Version
from fileshare.errors import (
    AuthFailed,
    AuthRequired,
    DigestMismatch,
    FileshareError,
    NotFound,
    TooManyAttempts,
)
from fileshare.services.ports import SmallContent
from fileshare.wire import messages as m


def _auth_failed(error: FileshareError) -> m.AuthFailed:
    """A refused login, with the seconds to wait where there were too many."""
    wait = error.retry_after if isinstance(error, TooManyAttempts) else UNSET
    return m.AuthFailed(code=error.code, message=error.message, retry_after=wait)


_STATUSES: tuple[tuple[type[FileshareError], Callable[[FileshareError], m.Reply]], ...] = (
    (NotFound, lambda error: m.FileNotFound(code=error.code, message=error.message)),
    (DigestMismatch, lambda error: m.ChecksumFailed(code=error.code, message=error.message)),
    (AuthFailed, _auth_failed),
    (AuthRequired, lambda error: m.AuthRequired(code=error.code, message=error.message)),
)


def reply_for(error: FileshareError) -> m.Reply:
    """The reply that tells this error."""
    for form, translate in _STATUSES:
        if isinstance(error, form):
            return translate(error)
    return m.Error(code=error.code, message=error.message)


def final_for(error: FileshareError) -> m.Error | m.ChecksumFailed:
    """The reply that ends a body badly: its bytes are wrong, or anything else."""
    reply = reply_for(error)
    if isinstance(reply, m.Error | m.ChecksumFailed):
        return reply
    return m.Error(code=error.code, message=error.message)


def seconds(milliseconds: int) -> float:
    """A time of the model as the wire tells it."""
    return milliseconds / 1000


def milliseconds(value: float | None) -> int | None:
    """A time of the wire as the model keeps it."""
    return None if value is None else round(value * 1000)


def entry_info(entry: Entry) -> m.EntryInfo:
    """A file or folder."""
    if isinstance(entry, File):
        return version_as_entry(entry.path, entry.version)
    return m.EntryInfo(
        path=entry.path, kind="folder", modified=seconds(entry.modified), created=seconds(entry.created)
    )


def version_as_entry(path: str, version: Version) -> m.EntryInfo:
    """A file at one of its versions."""
    return m.EntryInfo(
        path=path,
        kind="file",
        modified=seconds(version.modified),
        size=version.size,
        digest=version.digest,
        version=version.number,
        owner=version.owner,
        created=seconds(version.created),
    )


def listed_file(file: File) -> m.ListedFile:
    """A file in version 1's LIST."""
    return m.ListedFile(
        name=file.path,
        size=file.version.size,
        modified=seconds(file.version.modified),
        hash=file.version.digest,
        version=file.version.number,
        owner=file.version.owner,
    )


def version_info(version: Version) -> m.VersionInfo:
    """One version."""
    return m.VersionInfo(
        version=version.number,
        digest=version.digest,
        size=version.size,
        modified=seconds(version.modified),
        created=seconds(version.created),
        owner=version.owner,
    )


def upload_info(upload: Upload, expires: int) -> m.UploadInfo:
    """A half-done upload."""
    return m.UploadInfo(
        upload_id=public_id(upload),
        path=upload.path,
        offset=upload.offset,
        created=seconds(upload.created),
        expires=seconds(expires),
        size=UNSET if upload.size is None else upload.size,
        digest=upload.digest or UNSET,
    )


def public_id(upload: Upload) -> str:
    """What the owner calls the upload: the client's own id where it chose one."""
    return upload.client_id or upload.id


def ready(upload: Upload, offset: int) -> m.Ready:
    """Send from here."""
    return m.Ready(
        upload_id=public_id(upload),
        path=upload.path,
        offset=offset,
        size=UNSET if upload.size is None else upload.size,
        digest=upload.digest or UNSET,
    )


def stored(receipt: Receipt) -> m.Stored:
    """The upload is stored."""
    return m.Stored(
        upload_id=receipt.client_id or receipt.upload_id,
        path=receipt.path,
        version=receipt.version,
        size=receipt.size,
        digest=receipt.digest,
    )


def put_result(client_id: str, outcome: Receipt | FileshareError) -> m.PutResult:
    """What became of one small file."""
    if isinstance(outcome, FileshareError):
        return m.PutResult(upload_id=client_id, code=outcome.code, message=outcome.message)
    return m.PutResult(upload_id=client_id, path=outcome.path, version=outcome.version)


def get_result(outcome: SmallContent | FileshareError) -> m.GetResult:
    """What there is at one path of a GET."""
    if isinstance(outcome, FileshareError):
        return m.GetResult(code=outcome.code, message=outcome.message)
    return m.GetResult(
        version=outcome.number,
        size=len(outcome.data),
        digest=outcome.digest,
        modified=seconds(outcome.modified),
    )
