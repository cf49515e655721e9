"""Logging in and out with a browser.

A session is made anew at each login and ends at the logout; its secret is in the cookie
and nowhere else.
"""

from aiohttp import web

from fileshare.domain.model import Account, Door
from fileshare.errors import AuthFailed, TooManyAttempts
from fileshare.web.forms import field_of, read_form
from fileshare.web.guards import PASSWORD_PAGE
from fileshare.web.identity import caller_of, cookie_name, uses_cookie
from fileshare.web.keys import services_of
from fileshare.web.origin import address_of, is_forwarded, is_secure
from fileshare.web.redirects import safe_next, see
from fileshare.web.rendering import render
from fileshare.web.statuses import status_of

WRONG = "The name or the password is wrong."
MAX_TYPED = 4096
"""Characters of a name or password that are looked at: longer ones are nobody's."""


async def login_page(request: web.Request) -> web.Response:
    """The form; somebody who is logged in is led on."""
    back = safe_next(request.query.get("next", ""))
    return see(request, back) if uses_cookie(request) else _form(request, back)


async def log_in(request: web.Request) -> web.Response:
    """Check name and password, open a session, lead on. A wrong one shows the form again."""
    fields = await read_form(request)
    back = safe_next(fields.get("next", ""))
    name = (await field_of(request, "username")).strip()[:MAX_TYPED]
    password = (await field_of(request, "password"))[:MAX_TYPED]
    address, forwarded = address_of(request), is_forwarded(request)
    try:
        account = await services_of(request).accounts.log_in(
            name, password, address=address, door=Door.WEB, forwarded=forwarded
        )
        response = await answer_with_session(
            request, account, PASSWORD_PAGE if account.default_password else back
        )
    except AuthFailed as error:
        return _refused(request, error, back, name)
    if uses_cookie(request):
        # The old session of this browser would live on with nobody who knows it.
        await services_of(request).accounts.log_out(caller_of(request))
    return response


def _refused(request: web.Request, error: AuthFailed, back: str, name: str) -> web.Response:
    """The form again, and why. No challenge for Basic: the browser would open a dialog of its own."""
    told = WRONG if type(error) is AuthFailed else error.message
    response = _form(request, back, name=name, error=told, status=status_of(error))
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    else:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fileshare"'
    return response


def _form(
    request: web.Request, back: str, *, name: str = "", error: str = "", status: int = 200
) -> web.Response:
    context = {"next": back, "username": name, "error": error}
    return render(request, "login.html", context, status=status)


async def answer_with_session(
    request: web.Request, account: Account, path: str, **query: str
) -> web.Response:
    """A redirection that gives the browser a new session of that account. Raises AuthFailed."""
    services = services_of(request)
    secret, _ = await services.accounts.open_session(account, address=address_of(request))
    response = see(request, path, **query)
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=services.settings.session_seconds,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="Lax",
    )
    return response


def forget_cookie(request: web.Request, response: web.Response) -> web.Response:
    """Have the browser drop its session."""
    response.del_cookie(
        cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="Lax"
    )
    return response


async def logout_page(request: web.Request) -> web.Response:
    """A button: a mere link must not log anybody out."""
    return render(request, "logout.html")


async def log_out(request: web.Request) -> web.Response:
    """End this session, and have the browser drop what it still holds of its pages (OWASP ASVS 14.3.1)."""
    await services_of(request).accounts.log_out(caller_of(request))
    response = forget_cookie(request, see(request, "/login", done="logged_out"))
    # Not "storage": which file a half-done upload was must outlast the login, so that it can be gone on with.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
