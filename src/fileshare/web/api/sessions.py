"""Proofs of a login that are good now, browsers' sessions and tokens: one's own, or for an admin anyone's."""

from typing import Literal

from msgspec import Struct

from fileshare.domain.access import Action
from fileshare.domain.model import Session as Login
from fileshare.errors import AuthFailed, Forbidden, TooManyAttempts
from fileshare.web.api.asking import Body
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds
from fileshare.web.api.names import NewPassword
from fileshare.web.api.numbers import number_named
from fileshare.web.guards import Open
from fileshare.web.identity import member_of

MISSING = "There is no such session."


class Session(Struct, frozen=True, kw_only=True):
    """A session or token, without its secret. `address` is where it was made."""

    id: int
    kind: Literal["session", "token"]
    name: str
    created: Seconds
    expires_at: Seconds
    used: Seconds
    address: str
    current: bool
    """Whether this request came with it."""


class Sessions(Struct, frozen=True, kw_only=True):
    """All of an account's, the newest first."""

    sessions: list[Session]


class Ended(Struct, frozen=True, kw_only=True):
    """How many ended."""

    ended: int


class PasswordChange(Body, frozen=True, kw_only=True):
    """The password that is, and the one that is to be."""

    old: str
    new: NewPassword


@endpoint("GET", "/sessions", Open.MEMBERS)
async def list_sessions(asked: Asked[None, None]) -> Sessions:
    """One's own sessions and tokens."""
    return await _sessions(asked, member_of(asked.request).account.name)


@endpoint("DELETE", "/sessions", Open.MEMBERS)
async def end_other_sessions(asked: Asked[None, None]) -> Ended:
    """End all of one's own but the one that this request came with."""
    caller = member_of(asked.request)
    accounts, name = asked.services.accounts, caller.account.name
    return Ended(ended=await accounts.end_sessions(caller, name, keep=caller.session_id))


@endpoint("DELETE", "/sessions/{id:[^/]+}", Open.MEMBERS)
async def end_session(asked: Asked[None, None]) -> None:
    """End one of one's own sessions or tokens; what runs under it is cut."""
    caller = member_of(asked.request)
    session_id = number_named(asked.named, MISSING)
    await asked.services.accounts.end_session(caller, caller.account.name, session_id)


@endpoint("POST", "/password", Open.MEMBERS)
async def change_password(asked: Asked[None, PasswordChange]) -> None:
    """Change one's own password. All of one's sessions and tokens end: log in anew."""
    caller, change = member_of(asked.request), asked.body
    try:
        await asked.services.accounts.change_own_password(caller, change.old, change.new)
    except AuthFailed as error:
        if isinstance(error, TooManyAttempts):
            raise
        # No 401, by which a program would take its own token for ended.
        raise Forbidden("The old password is wrong.") from None


@endpoint("GET", "/users/{username:[^/]+}/sessions", Action.MANAGE_USERS)
async def list_user_sessions(asked: Asked[None, None]) -> Sessions:
    """Somebody's sessions and tokens."""
    return await _sessions(asked, asked.named)


@endpoint("DELETE", "/users/{username:[^/]+}/sessions", Action.MANAGE_USERS)
async def end_user_sessions(asked: Asked[None, None]) -> Ended:
    """End all of somebody's sessions and tokens."""
    return Ended(ended=await asked.services.accounts.end_sessions(asked.caller, asked.named))


async def _sessions(asked: Asked[None, None], name: str) -> Sessions:
    found = await asked.services.accounts.sessions(asked.caller, name)
    return Sessions(sessions=[_shown(session, asked.caller.session_id) for session in found])


def _shown(session: Login, current: int | None) -> Session:
    return Session(
        id=session.id,
        kind="token" if session.kind == "token" else "session",
        name=session.name,
        created=seconds(session.created),
        expires_at=seconds(session.expires),
        used=seconds(session.used),
        address=session.address,
        current=session.id == current,
    )


ENDPOINTS = (
    list_sessions,
    end_other_sessions,
    end_session,
    change_password,
    list_user_sessions,
    end_user_sessions,
)
