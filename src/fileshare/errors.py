"""Every failure that a caller can act on, one class each, with a stable code.

Knows no HTTP status, no wire status and no exit number: the edges translate the
code by tables of their own. The message is the sentence that a person reads; it
names what was wrong and what to do, and never holds a secret.

    FileshareError                  error
    ├── BadRequest                  bad_request
    │   ├── BadName                 bad_name
    │   ├── BadOffset               bad_offset
    │   ├── BadDigest               bad_digest
    │   ├── BadPassword             bad_password
    │   ├── TooLarge                too_large
    │   └── TooMany                 too_many
    ├── ProtocolError               protocol
    ├── AuthRequired                auth_required
    ├── AuthFailed                  auth_failed
    │   └── TooManyAttempts         too_many_attempts   (retry_after)
    ├── Forbidden                   forbidden
    ├── NotFound                    not_found
    ├── Conflict                    conflict
    ├── UploadBusy                  upload_busy
    ├── Superseded                  superseded
    ├── Stopped                     stopped
    ├── Fenced                      fenced
    ├── IntegrityError              integrity
    │   ├── DigestMismatch          digest_mismatch
    │   ├── SourceChanged           source_changed
    │   └── Damaged                 damaged
    ├── NoSpace                     no_space
    ├── StorageFailed               storage_failed
    ├── Unavailable                 unavailable
    └── ConnectionLost              connection_lost
"""

from typing import ClassVar


class FileshareError(Exception):
    """Something failed in a way the caller can act on."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.default_message())

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])

    @classmethod
    def default_message(cls) -> str:
        """The first line of the class docstring serves where nothing better is known."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class BadRequest(FileshareError):
    """The request is not one the server understands."""

    code = "bad_request"


class BadName(BadRequest):
    """The name can't be used for a file."""

    code = "bad_name"


class BadOffset(BadRequest):
    """The offset lies outside the file."""

    code = "bad_offset"


class BadDigest(BadRequest):
    """The digest is not 64 hexadecimal digits of SHA-256."""

    code = "bad_digest"


class BadPassword(BadRequest):
    """The password can't be used: choose one of at least 8 characters that is not a common one."""

    code = "bad_password"


class TooLarge(BadRequest):
    """The file is larger than this server takes."""

    code = "too_large"


class TooMany(BadRequest):
    """The answer would be too long: ask for it in pages."""

    code = "too_many"


class ProtocolError(FileshareError):
    """The other side broke the protocol; the connection can't go on."""

    code = "protocol"


class AuthRequired(FileshareError):
    """Log in first."""

    code = "auth_required"


class AuthFailed(FileshareError):
    """The name, password or token is wrong."""

    code = "auth_failed"


class TooManyAttempts(AuthFailed):
    """Too many failed logins: wait before the next try."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        wait = f"{retry_after} seconds" if retry_after < 120 else f"{minutes} minutes"
        super().__init__(f"Too many failed logins: try again in {wait}.")
        self.retry_after = retry_after
        """Seconds until another attempt will be looked at."""


class Forbidden(FileshareError):
    """Your role does not allow this: ask an admin."""

    code = "forbidden"


class NotFound(FileshareError):
    """There is nothing of that name."""

    code = "not_found"


class Conflict(FileshareError):
    """Something else stands at that name."""

    code = "conflict"


class UploadBusy(FileshareError):
    """Another connection holds this upload and does not let go yet: try again in a few seconds."""

    code = "upload_busy"


class Superseded(FileshareError):
    """Another connection has taken this upload over."""

    code = "superseded"


class Stopped(FileshareError):
    """An admin stopped this transfer; what arrived is kept. Begin it again to go on."""

    code = "stopped"


class Fenced(FileshareError):
    """The upload was taken over while this writer was away; nothing more of it is kept."""

    code = "fenced"


class IntegrityError(FileshareError):
    """The bytes are not the ones that were promised."""

    code = "integrity"


class DigestMismatch(IntegrityError):
    """The received bytes do not have the promised SHA-256 digest; nothing was stored."""

    code = "digest_mismatch"


class SourceChanged(IntegrityError):
    """The source changed while it was read; nothing was mixed."""

    code = "source_changed"


class Damaged(IntegrityError):
    """The stored content is damaged and is not served: ask the admin to run `fileshare verify`."""

    code = "damaged"


class NoSpace(FileshareError):
    """The server's disk is full; what arrived is kept and can be resumed."""

    code = "no_space"


class StorageFailed(FileshareError):
    """The server's disk reported an error; nothing behind it was acknowledged."""

    code = "storage_failed"


class Unavailable(FileshareError):
    """The server takes no writes now: try again later."""

    code = "unavailable"


class ConnectionLost(FileshareError):
    """The connection was lost."""

    code = "connection_lost"


def error_classes() -> dict[str, type[FileshareError]]:
    """Every class of the tree by its code, for the edges' tables and for clients that get a code.

    A ring may refine a class without a code of its own; the code then stays its parent's.
    """
    found: dict[str, type[FileshareError]] = {}
    waiting: list[type[FileshareError]] = [FileshareError]
    while waiting:
        cls = waiting.pop()
        found.setdefault(cls.code, cls)
        waiting.extend(cls.__subclasses__())
    return found
