"""Tokens of one's own: proofs of a login for programs. A secret is shown once, when it is made."""

from msgspec import Struct

from fileshare.domain.model import Caller, Door, Session
from fileshare.errors import NotFound
from fileshare.services.accounts import Accounts
from fileshare.web.api.asking import Body
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds
from fileshare.web.api.numbers import number_named
from fileshare.web.guards import Open
from fileshare.web.identity import member_of
from fileshare.web.origin import address_of, is_forwarded


class Login(Body, frozen=True, kw_only=True):
    """Who asks, and what the token shall be called in its owner's list."""

    username: str
    password: str
    name: str = ""


class NewToken(Struct, frozen=True, kw_only=True):
    """The secret, to be sent as `Authorization: Bearer <token>`; it is told this once."""

    token: str
    expires_at: Seconds
    id: int
    name: str


class Token(Struct, frozen=True, kw_only=True):
    """A token without its secret. `address` is where it was made."""

    id: int
    name: str
    created: Seconds
    expires_at: Seconds
    used: Seconds
    address: str
    current: bool
    """Whether this request came with it."""


class Tokens(Struct, frozen=True, kw_only=True):
    """The caller's, the newest first."""

    tokens: list[Token]


@endpoint("POST", "/tokens", Open.EVERYONE, status=201)
async def make_token(asked: Asked[None, Login]) -> NewToken:
    """Log in with name and password for a token. Failures count at both doors together."""
    accounts, login, address = asked.services.accounts, asked.body, address_of(asked.request)
    account = await accounts.log_in(
        login.username,
        login.password,
        address=address,
        door=Door.WEB,
        forwarded=is_forwarded(asked.request),
    )
    secret, session = await accounts.issue_token(account, name=login.name, address=address)
    return NewToken(token=secret, expires_at=seconds(session.expires), id=session.id, name=session.name)


@endpoint("GET", "/tokens", Open.MEMBERS)
async def list_tokens(asked: Asked[None, None]) -> Tokens:
    """One's own tokens, without their secrets."""
    caller = member_of(asked.request)
    shown = [
        Token(
            id=token.id,
            name=token.name,
            created=seconds(token.created),
            expires_at=seconds(token.expires),
            used=seconds(token.used),
            address=token.address,
            current=token.id == caller.session_id,
        )
        for token in await _own(asked.services.accounts, caller)
    ]
    return Tokens(tokens=shown)


@endpoint("DELETE", "/tokens/{id:[^/]+}", Open.MEMBERS)
async def end_token(asked: Asked[None, None]) -> None:
    """End one of one's own tokens; what runs under it is cut."""
    missing = "There is no such token of yours."
    caller, accounts = member_of(asked.request), asked.services.accounts
    token_id = number_named(asked.named, missing)
    if all(token.id != token_id for token in await _own(accounts, caller)):
        raise NotFound(missing)
    await accounts.end_session(caller, caller.account.name, token_id)


async def _own(accounts: Accounts, caller: Caller) -> list[Session]:
    found = await accounts.sessions(caller, caller.account.name)
    return [session for session in found if session.kind == "token"]


ENDPOINTS = (make_token, list_tokens, end_token)
