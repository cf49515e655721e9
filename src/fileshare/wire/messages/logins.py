"""The beginning of a conversation and its end: HELLO, AUTH, LOGOUT, WHOAMI."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from fileshare.wire.messages.shapes import Reply, Request2


class Hello(Request2, frozen=True, kw_only=True):
    """First message of a version 2 client. `features` may name what later clients can do."""

    command = "HELLO"
    version_wanted: Annotated[int, Meta(ge=2)] = msgspec.field(name="version")
    client: str = ""
    features: list[str] = msgspec.field(default_factory=list)


class Login(Request2, frozen=True, kw_only=True):
    """AUTH of version 2: name and password for a new token, or a token alone."""

    command = "AUTH"
    username: str = ""
    password: str = ""
    token: str = ""
    name: str = ""
    """What the token is called in the owner's list of sessions, such as the host name."""


class Logout(Request2, frozen=True, kw_only=True):
    """End the token that this connection logged in with."""

    command = "LOGOUT"


class WhoAmI(Request2, frozen=True, kw_only=True):
    """Which account is this."""

    command = "WHOAMI"


class AuthSuccess(Reply, frozen=True, kw_only=True):
    """Logged in. Version 2 adds the account and, after a login by password, a token."""

    status = "AUTH_SUCCESS"
    role: str
    account: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    expires_at: float | UnsetType = UNSET
    default_password: bool | UnsetType = UNSET


class Limits(Struct, frozen=True, kw_only=True):
    """What the server takes: bytes of a frame and a segment, and the window of PUT."""

    frame: int
    segment: int
    put_size: int
    """Largest file that PUT takes, bytes."""
    window_uploads: int
    """Most files of PUT without their result yet."""
    window_bytes: int
    max_file_size: int | None = None


class Welcome(Reply, frozen=True, kw_only=True):
    """The answer to HELLO."""

    version: int
    server: str
    features: list[str]
    limits: Limits
    authenticated: bool


class Identity(Reply, frozen=True, kw_only=True):
    """Which account this connection acts for."""

    account: str
    role: str
    expires_at: float | UnsetType = UNSET
