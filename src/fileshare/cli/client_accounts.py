"""`login`, `logout`, `whoami`. A password is sent once and never kept; what is kept is a token."""

import getpass
import socket
import sys

from msgspec import UNSET

from fileshare.cli import exits
from fileshare.cli.client_session import Session
from fileshare.client.servers import Login
from fileshare.errors import AuthRequired, BadRequest, FileshareError
from fileshare.wire import messages as m

_LONGEST_PASSWORD = 4096
"""Characters read from standard input: a frame before the login holds no more."""


def login(session: Session) -> int:
    """Log in and keep the token."""
    args = session.args
    password = _password(args.password, from_stdin=args.password_stdin)
    request = m.Login(username=args.user, password=password, name=socket.gethostname()[:100])
    lines = session.lines_for(request)
    identity = lines.first.conversation().logged_in()
    token = "" if identity.token is UNSET else str(identity.token)
    if not token:
        raise FileshareError("The server gave no token.")
    account = args.user if identity.account is UNSET else str(identity.account)
    expires = None if identity.expires_at is UNSET else float(identity.expires_at)
    session.logins.save(Login(server=session.server, account=account, token=token, expires_at=expires))
    session.printer.say(f"Logged in to {session.server.name} as {account} ({identity.role}).")
    session.printer.event(
        "login", server=session.server.name, account=account, role=identity.role, expires_at=expires
    )
    if identity.default_password is True:
        session.printer.note(
            "This is the default password: change it before anyone else can reach the server."
        )
    return exits.DONE


def _password(given: str | None, *, from_stdin: bool) -> str:
    if from_stdin:
        if given is not None:
            raise BadRequest("Give the password either as an argument or on standard input.")
        line = sys.stdin.readline(_LONGEST_PASSWORD).rstrip("\r\n")
        if not line:
            raise BadRequest("There is no password on standard input.")
        return line
    if given is not None:
        return given
    try:
        return getpass.getpass("Password: ")
    except (EOFError, OSError):
        raise BadRequest("There is no terminal to ask for the password: use --password-stdin.") from None


def logout(session: Session) -> int:
    """End the token at the server and forget it here."""
    name = session.server.name
    if not session.token:
        raise AuthRequired(f"You are not logged in to {name}.")
    try:
        session.lines.first.conversation().ask(m.Logout(), m.Done)
    finally:
        if session.logins.of(name) is not None:
            session.logins.forget(name)
    session.printer.say(f"Logged out of {name}.")
    session.printer.event("logout", server=name)
    return exits.DONE


def who_am_i(session: Session) -> int:
    """Tell the account, its role, and until when the login holds."""
    identity = session.lines.first.ask(m.WhoAmI(), m.Identity)
    expires = None if identity.expires_at is UNSET else float(identity.expires_at)
    session.printer.say(f"{identity.account} ({identity.role}) at {session.server.name}")
    session.printer.event(
        "account",
        server=session.server.name,
        account=identity.account,
        role=identity.role,
        expires_at=expires,
    )
    return exits.DONE
