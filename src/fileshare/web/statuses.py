"""From an error's class to its HTTP status: the only place of this door that knows both."""

from fileshare import errors

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
    errors.Fenced: 409,
    errors.IntegrityError: 500,
    errors.DigestMismatch: 400,
    errors.SourceChanged: 409,
    errors.Damaged: 500,
    errors.NoSpace: 507,
    errors.StorageFailed: 500,
    errors.Unavailable: 503,
    errors.ConnectionLost: 400,
}


def status_of(error: errors.FileshareError) -> int:
    """The status of an error: its own row's, or that of its nearest ancestor."""
    return next(_STATUSES[cls] for cls in type(error).__mro__ if cls in _STATUSES)
