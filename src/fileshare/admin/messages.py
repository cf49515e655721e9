"""What is said over the admin socket: one JSON line a request, JSON lines back, the last one final.

Not for outsiders: both ends are of the same installation. Passwords pass here, so no
line is ever logged.
"""

import msgspec

from fileshare.domain.model import Role
from fileshare.errors import FileshareError, ProtocolError, error_classes
from fileshare.wire.codec import check_structure

MAX_LINE = 64 << 10
"""Bytes of a line: names and passwords are short, and rows go one a line."""


class Request(msgspec.Struct, frozen=True, tag_field="ask", forbid_unknown_fields=True):
    """Something to be done."""


class AddUser(Request, frozen=True, tag="user-add"):
    """Answered by Done."""

    name: str
    role: Role
    password: str


class SetPassword(Request, frozen=True, tag="user-passwd"):
    """Answered by Done."""

    name: str
    password: str


class SetRole(Request, frozen=True, tag="user-role"):
    """Answered by Done."""

    name: str
    role: Role


class SetEnabled(Request, frozen=True, tag="user-enabled"):
    """Answered by Done; disabling ends sessions and transfers."""

    name: str
    enabled: bool


class DeleteUser(Request, frozen=True, tag="user-delete"):
    """Answered by Done; the files stay."""

    name: str


class ListUsers(Request, frozen=True, tag="user-list"):
    """Answered by UserRows, then Done."""


class ListTrash(Request, frozen=True, tag="trash-list"):
    """Answered by TrashRows, then Done."""


class EmptyTrash(Request, frozen=True, tag="trash-empty"):
    """Answered by Freed, once the space is free."""

    older_than: int = 0
    """Milliseconds in the trash."""


class RestDeletion(Request, frozen=True, tag="rest-deletion"):
    """Answered by Resting; from then until the asker hangs up nothing is unlinked."""


class Reply(msgspec.Struct, frozen=True, tag_field="reply", forbid_unknown_fields=True):
    """A line of an answer."""


class UserRow(Reply, frozen=True, tag="user"):
    """An account. Times are milliseconds."""

    name: str
    role: Role
    enabled: bool
    default_password: bool
    created: int
    last_login: int | None


class TrashRow(Reply, frozen=True, tag="trash"):
    """A trash entry. `size` is bytes, `deleted` milliseconds."""

    id: int
    path: str
    kind: str
    size: int
    deleted: int
    deleted_by: str


class Resting(Reply, frozen=True, tag="resting"):
    """Nothing is unlinked now."""


class Done(Reply, frozen=True, tag="done"):
    """It is done, durably. Final."""


class Freed(Reply, frozen=True, tag="freed"):
    """So many bytes were given up. Final."""

    size: int


class Failed(Reply, frozen=True, tag="failed"):
    """It is not done. Final."""

    code: str
    message: str

    def error(self) -> FileshareError:
        """The error as it was on the other side."""
        found = error_classes().get(self.code, FileshareError)
        error = found.__new__(found)
        Exception.__init__(error, self.message)
        return error


AnyRequest = (
    AddUser
    | SetPassword
    | SetRole
    | SetEnabled
    | DeleteUser
    | ListUsers
    | ListTrash
    | EmptyTrash
    | RestDeletion
)
AnyReply = UserRow | TrashRow | Resting | Done | Freed | Failed

_REQUESTS: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_REPLIES: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)


def to_line(message: Request | Reply) -> bytes:
    """The message as one line, with its end."""
    return msgspec.json.encode(message) + b"\n"


def to_request(line: bytes) -> AnyRequest:
    """Raises ProtocolError for anything but a request."""
    try:
        check_structure(line)
        return _REQUESTS.decode(line)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"This is no request: {error}.") from None


def to_reply(line: bytes) -> AnyReply:
    """Raises ProtocolError for anything but a reply."""
    try:
        return _REPLIES.decode(line)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"The server's answer can't be understood: {error}.") from None
