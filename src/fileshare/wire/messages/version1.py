"""Version 1: what the users' document says, byte for byte. Nothing is ever added."""

from typing import Any

from msgspec import Struct

from fileshare.wire.messages.shapes import Reply, Request, Size


class Auth(Request, frozen=True, kw_only=True):
    """Log in with name and password; version 1 has nothing else."""

    command = "AUTH"
    username: str
    password: str


class UploadFile(Request, frozen=True, kw_only=True):
    """Begin a new upload; after `Ready` the raw bytes follow."""

    command = "UPLOAD"
    filename: str
    file_size: Size
    file_hash: str
    overwrite: bool = False


class DownloadFile(Request, frozen=True, kw_only=True):
    """Ask for a file from `start_byte` on. `start_byte` is checked by the service, not here."""

    command = "DOWNLOAD"
    filename: str
    start_byte: Any = 0


class DownloadConfirm(Request, frozen=True, kw_only=True):
    """Sent by some version 1 clients before they read a download; taken in silence."""

    command = "DOWNLOAD_CONFIRM"


class ListFiles(Request, frozen=True, kw_only=True):
    """Ask for every file by its full path."""

    command = "LIST"


class ResumeUpload(Request, frozen=True, kw_only=True):
    """Go on with the caller's furthest upload of that name and digest."""

    command = "RESUME"
    filename: str
    file_hash: str


class UploadReady(Reply, frozen=True, kw_only=True):
    """Send the raw bytes."""

    ready: bool = True
    temp_id: str


class UploadDone(Reply, frozen=True, kw_only=True):
    """The upload is stored under `filename`."""

    message: str = "Upload successful"
    filename: str
    size: int
    hash: str


class ResumeReady(Reply, frozen=True, kw_only=True):
    """Send the raw bytes from `bytes_received` on."""

    bytes_received: int
    file_size: int


class DownloadReady(Reply, frozen=True, kw_only=True):
    """The raw bytes from `start_byte` on follow."""

    filename: str
    file_size: int
    file_hash: str
    start_byte: int


class ListedFile(Struct, frozen=True, kw_only=True):
    """A file in version 1's LIST."""

    name: str
    size: int
    modified: float
    hash: str
    version: int
    owner: str


class FileList(Reply, frozen=True, kw_only=True):
    """Every file."""

    files: list[ListedFile]
