"""The accounts of everyone, for an admin: list, add, change, delete.

The services check the role, keep the last admin and write the trail; here is only what
a person sees of it. Each change is a form of its own, so that all works without scripts.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from fileshare.domain.model import Account, Caller, Role
from fileshare.errors import BadRequest, FileshareError, NotFound
from fileshare.web.account_pages import number_of
from fileshare.web.forms import field_of, read_form
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.redirects import see
from fileshare.web.rendering import render
from fileshare.web.session_pages import MAX_TYPED
from fileshare.web.statuses import status_of
from fileshare.web.storage_box import storage_of

FORMS = "role|enabled|password|delete|sessions/end|sessions/end-all"
"""Where the forms of an account's page lead, as a pattern of routes."""


async def users_page(request: web.Request) -> web.Response:
    """All accounts, and the form for another."""
    return await _users(request)


async def _users(request: web.Request, error: FileshareError | None = None) -> web.Response:
    caller, services = caller_of(request), services_of(request)
    fields = await read_form(request) if error else {}
    context = {
        "accounts": await services.accounts.list(caller),
        "used": await services.files.usage_by_owner(caller),
        "storage": await storage_of(request),
        "error": error.message if error else "",
        "typed": fields.get("username", ""),
        "typed_role": fields.get("role", Role.USER),
    }
    return render(request, "users.html", context, status=status_of(error) if error else 200)


async def add_user(request: web.Request) -> web.Response:
    """A new account."""
    try:
        await services_of(request).accounts.add(
            caller_of(request),
            (await field_of(request, "username")).strip()[:MAX_TYPED],
            (await field_of(request, "password"))[:MAX_TYPED],
            _role_of(await field_of(request, "role")),
        )
    except FileshareError as error:
        return await _users(request, error)
    return see(request, "/users", done="user_added")


async def user_page(request: web.Request) -> web.Response:
    """One account with all that can be done to it."""
    return await _user(request)


async def back(request: web.Request) -> web.Response:
    """Where a form was refused its address stays: who loads that again gets the page it stood on."""
    return see(request, f"/users/{quote(request.match_info['name'], safe='')}")


async def _user(request: web.Request, error: FileshareError | None = None) -> web.Response:
    caller, services = caller_of(request), services_of(request)
    account = await _account_of(request, caller)
    context = {
        "account": account,
        "own": account.id == caller.account.id,
        "used": (await services.files.usage_by_owner(caller)).get(account.id, 0),
        "sessions": await services.accounts.sessions(caller, account.name),
        "error": error.message if error else "",
    }
    return render(request, "user.html", context, status=status_of(error) if error else 200)


async def _account_of(request: web.Request, caller: Caller) -> Account:
    """The account that the address names, as it is written. Raises NotFound, Forbidden."""
    name = request.match_info["name"]
    for account in await services_of(request).accounts.list(caller):
        if account.name == name:
            return account
    raise NotFound("There is no account of that name.")


async def set_role(request: web.Request) -> web.Response:
    """Make an admin a user, or the other way round."""
    role = _role_of(await field_of(request, "role"))
    accounts, name = services_of(request).accounts, request.match_info["name"]
    return await _done(request, "role_changed", lambda caller: accounts.set_role(caller, name, role))


async def set_enabled(request: web.Request) -> web.Response:
    """Let somebody in again, or keep them out."""
    enabled = await field_of(request, "enabled") == "yes"
    accounts, name = services_of(request).accounts, request.match_info["name"]
    notice = "enabled" if enabled else "disabled"
    return await _done(request, notice, lambda caller: accounts.set_enabled(caller, name, enabled))


async def reset_password(request: web.Request) -> web.Response:
    """Give somebody another password."""
    password = (await field_of(request, "password"))[:MAX_TYPED]
    accounts, name = services_of(request).accounts, request.match_info["name"]
    return await _done(
        request, "password_reset", lambda caller: accounts.set_password(caller, name, password)
    )


async def end_session(request: web.Request) -> web.Response:
    """End one of somebody's sessions or tokens; that it is over already is no failure."""
    session_id = number_of(await field_of(request, "session"))
    accounts, name = services_of(request).accounts, request.match_info["name"]
    try:
        return await _done(
            request, "session_ended", lambda caller: accounts.end_session(caller, name, session_id)
        )
    except NotFound:
        return see(request, f"/users/{quote(name, safe='')}", done="session_gone")


async def end_sessions(request: web.Request) -> web.Response:
    """End all of somebody's sessions and tokens."""
    accounts, name = services_of(request).accounts, request.match_info["name"]
    return await _done(request, "sessions_ended", lambda caller: accounts.end_sessions(caller, name))


async def delete_user(request: web.Request) -> web.Response:
    """Delete an account for good, if its name was typed; its files stay, its half-done uploads go."""
    services, name = services_of(request), request.match_info["name"]
    try:
        if (await field_of(request, "confirm")).strip() != name:
            raise BadRequest(f"Nothing was deleted: type {name} to confirm.")
        upload_ids = await services.accounts.delete(caller_of(request), name)
    except FileshareError as error:
        return await _user(request, error)
    await services.uploads.forget_all(upload_ids)
    return see(request, "/users", done="user_deleted")


async def _done(
    request: web.Request, notice: str, change: Callable[[Caller], Awaitable[object]]
) -> web.Response:
    """Back to the account's page with what was done, or with why it was not."""
    try:
        await change(caller_of(request))
    except NotFound:
        raise
    except FileshareError as error:
        return await _user(request, error)
    return see(request, f"/users/{quote(request.match_info['name'], safe='')}", done=notice)


def _role_of(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise BadRequest(f"The roles are {', '.join(Role)}.") from None
