"""One's own account: password, sessions and tokens, half-done uploads."""

from aiohttp import web

from fileshare.errors import AuthFailed, BadRequest, FileshareError, NotFound
from fileshare.web.forms import field_of
from fileshare.web.identity import member_of
from fileshare.web.keys import services_of
from fileshare.web.redirects import LANDING, see
from fileshare.web.rendering import render
from fileshare.web.session_pages import MAX_TYPED, answer_with_session, forget_cookie
from fileshare.web.statuses import status_of
from fileshare.web.upload_pages import rows_of

WRONG_OLD = "The current password is wrong."
NOT_THE_SAME = "The two new passwords differ: type the same twice."


async def account_page(request: web.Request) -> web.Response:
    """What there is of one's own."""
    caller, services = member_of(request), services_of(request)
    sessions = await services.accounts.sessions(caller, caller.account.name)
    uploads = await services.uploads.list(caller)
    context = {"sessions": sessions, "uploads": rows_of(services, uploads)}
    return render(request, "account.html", context)


async def password_page(request: web.Request) -> web.Response:
    """The form for a new password; a person with the default one is led here."""
    member_of(request)
    return _password_form(request)


async def change_password(request: web.Request) -> web.Response:
    """Set it, and go on with a new session: all old ones have ended."""
    caller, accounts = member_of(request), services_of(request).accounts
    was_default = caller.account.default_password
    old, new, again = [(await field_of(request, name))[:MAX_TYPED] for name in ("old", "new", "again")]
    try:
        if new != again:
            raise BadRequest(NOT_THE_SAME)
        account = await accounts.change_own_password(caller, old, new)
    except FileshareError as error:
        wrong = type(error) is AuthFailed
        return _password_form(
            request, WRONG_OLD if wrong else error.message, 403 if wrong else status_of(error)
        )
    path = LANDING if was_default else "/account"
    return await answer_with_session(request, account, path, done="password_changed")


def _password_form(request: web.Request, error: str = "", status: int = 200) -> web.Response:
    return render(request, "password.html", {"error": error}, status=status)


async def end_session(request: web.Request) -> web.Response:
    """End one of one's own sessions or tokens; this browser's is a logout. One that is over is no failure."""
    caller = member_of(request)
    session_id = number_of(await field_of(request, "session"))
    try:
        await services_of(request).accounts.end_session(caller, caller.account.name, session_id)
    except NotFound:
        return see(request, "/account", done="session_gone")
    if session_id == caller.session_id:
        return forget_cookie(request, see(request, "/login", done="logged_out"))
    return see(request, "/account", done="session_ended")


async def end_other_sessions(request: web.Request) -> web.Response:
    """End all but this one."""
    caller = member_of(request)
    await services_of(request).accounts.end_sessions(caller, caller.account.name, keep=caller.session_id)
    return see(request, "/account", done="sessions_ended")


async def abort_upload(request: web.Request) -> web.Response:
    """Give one half-done upload up; that it is gone already is no failure."""
    upload_id = await field_of(request, "upload")
    try:
        await services_of(request).uploads.abort(member_of(request), upload_id)
    except NotFound:
        return see(request, "/account", done="upload_gone")
    return see(request, "/account", done="upload_aborted")


def number_of(text: str) -> int:
    """The id in a form's field. Raises BadRequest."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("That is no number of a session.")
    return int(text)
