"""The accounts of everyone, for an admin. There is always one enabled admin left."""

from msgspec import UNSET, Struct, UnsetType

from fileshare.domain.access import Action
from fileshare.domain.accounts import fold
from fileshare.domain.model import Account, Caller, Role
from fileshare.errors import BadRequest, NotFound
from fileshare.web.api.asking import Body
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds, seconds_or_none
from fileshare.web.api.names import NewPassword, NewUsername
from fileshare.web.keys import WebServices


class User(Struct, frozen=True, kw_only=True):
    """An account. `used` is the bytes of all versions that it made, the trash's included."""

    username: str
    role: Role
    enabled: bool
    default_password: bool
    created: Seconds
    last_login: Seconds | None
    used: int


class Users(Struct, frozen=True, kw_only=True):
    """All accounts, by name."""

    users: list[User]


class NewUser(Body, frozen=True, kw_only=True):
    """An account to be."""

    username: NewUsername
    password: NewPassword
    role: Role = Role.USER


class Change(Body, frozen=True, kw_only=True):
    """What is to change of an account; at least one of them. Each ends its sessions and tokens."""

    role: Role | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    password: NewPassword | UnsetType = UNSET


@endpoint("GET", "/users", Action.MANAGE_USERS)
async def list_users(asked: Asked[None, None]) -> Users:
    """All accounts, with what each has stored."""
    accounts = await asked.services.accounts.list(asked.caller)
    used = await asked.services.files.usage_by_owner(asked.caller)
    return Users(users=[_shown(account, used.get(account.id, 0)) for account in accounts])


@endpoint("POST", "/users", Action.MANAGE_USERS, status=201)
async def add_user(asked: Asked[None, NewUser]) -> User:
    """Add an account."""
    new = asked.body
    account = await asked.services.accounts.add(asked.caller, new.username, new.password, new.role)
    return _shown(account, 0)


@endpoint("GET", "/users/{username:[^/]+}", Action.MANAGE_USERS)
async def get_user(asked: Asked[None, None]) -> User:
    """One account."""
    return await _found(asked.services, asked.caller, asked.named)


@endpoint("PATCH", "/users/{username:[^/]+}", Action.MANAGE_USERS, stands=get_user)
async def change_user(asked: Asked[None, Change]) -> User:
    """Change role or password of an account, or whether it may log in. The last admin stays one."""
    accounts, caller, name, change = asked.services.accounts, asked.caller, asked.named, asked.body
    if change == Change():
        raise BadRequest("Name what is to change: role, enabled or password.")
    # The password first: it is the one that may be refused for what it is, before anything has changed.
    if change.password is not UNSET:
        await accounts.set_password(caller, name, change.password)
    if change.role is not UNSET:
        await accounts.set_role(caller, name, change.role)
    if change.enabled is not UNSET:
        await accounts.set_enabled(caller, name, change.enabled)
    return await _found(asked.services, caller, name)


@endpoint("DELETE", "/users/{username:[^/]+}", Action.MANAGE_USERS, stands=get_user)
async def delete_user(asked: Asked[None, None]) -> None:
    """Delete an account with its sessions and half-done uploads; its files stay."""
    upload_ids = await asked.services.accounts.delete(asked.caller, asked.named)
    await asked.services.uploads.forget_all(upload_ids)


async def _found(services: WebServices, caller: Caller, name: str) -> User:
    used = await services.files.usage_by_owner(caller)
    for account in await services.accounts.list(caller):
        if fold(account.name) == fold(name):
            return _shown(account, used.get(account.id, 0))
    raise NotFound("There is no account of that name.")


def _shown(account: Account, used: int) -> User:
    return User(
        username=account.name,
        role=account.role,
        enabled=account.enabled,
        default_password=account.default_password,
        created=seconds(account.created),
        last_login=seconds_or_none(account.last_login),
        used=used,
    )


ENDPOINTS = (list_users, add_user, get_user, change_user, delete_user)
