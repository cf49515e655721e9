"""What says that something failed, in both versions."""

from msgspec import UNSET, UnsetType

from fileshare.wire.messages.shapes import Reply


class AuthRequired(Reply, frozen=True, kw_only=True):
    """Log in first."""

    status = "AUTH_REQUIRED"
    code: str = "auth_required"
    message: str = "Log in first."


class AuthFailed(Reply, frozen=True, kw_only=True):
    """The login was refused. `retry_after` is seconds, set when there were too many attempts."""

    status = "AUTH_FAILED"
    code: str = "auth_failed"
    message: str = "The name, password or token is wrong."
    retry_after: int | UnsetType = UNSET


class Error(Reply, frozen=True, kw_only=True):
    """It failed, and why."""

    status = "ERROR"
    code: str
    message: str


class FileNotFound(Reply, frozen=True, kw_only=True):
    """There is nothing of that name."""

    status = "FILE_NOT_FOUND"
    code: str = "not_found"
    message: str = "There is nothing of that name."


class ChecksumFailed(Reply, frozen=True, kw_only=True):
    """The bytes do not have the promised digest; the upload is gone."""

    status = "CHECKSUM_FAILED"
    code: str = "digest_mismatch"
    message: str = "The received bytes do not have the promised SHA-256 digest; nothing was stored."
