"""From an error's class to its HTTP status: the only place of this door that knows both."""

from fileshare import errors
from fileshare.web.tus.refusals import ChecksumMismatch

_STATUSES: dict[type[errors.FileshareError], int] = {
    errors.FileshareError: 500,
    errors.BadRequest: 400,
    errors.TooLarge: 413,
    errors.ProtocolError: 400,
    errors.AuthRequired: 401,
    errors.AuthFailed: 401,
    errors.TooManyAttempts: 429,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.UploadBusy: 409,
    errors.Superseded: 409,
    # Clients of tus repeat what gets a 409 by themselves.
    errors.Stopped: 403,
    errors.Fenced: 409,
    errors.IntegrityError: 500,
    errors.DigestMismatch: 400,
    ChecksumMismatch: 460,
    errors.SourceChanged: 409,
    errors.Damaged: 500,
    errors.NoSpace: 507,
    errors.StorageFailed: 500,
    errors.Unavailable: 503,
    errors.ConnectionLost: 400,
}

_OURS: dict[int, tuple[str, str]] = {
    400: (errors.BadRequest.code, errors.BadRequest.default_message()),
    404: (errors.NotFound.code, "There is no such page."),
    405: ("bad_method", "This can't be asked for in that way."),
    408: ("too_slow", "The request took too long to arrive."),
    411: ("length_required", "Say how long the body is: Content-Length."),
    412: ("precondition_failed", "It is no longer as the request says: look at it again."),
    413: (errors.TooLarge.code, "The request is larger than this takes."),
    415: ("bad_content_type", "The body is of a kind that this does not take."),
    417: (errors.BadRequest.code, "Only Expect: 100-continue is known."),
}


def status_of(error: errors.FileshareError) -> int:
    """The status of an error: its own row's, or that of its nearest ancestor."""
    return next(_STATUSES[cls] for cls in type(error).__mro__ if cls in _STATUSES)


def told_of(status: int, reason: str) -> tuple[str, str]:
    """Code and sentence for a refusal of the HTTP library's own, which brings a status alone."""
    return _OURS.get(status, (f"http_{status}", f"{reason}."))
