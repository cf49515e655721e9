"""One run of `fileshare-client`: its settings, its server, its printer, and how it ends."""

import errno
import os
from argparse import Namespace
from functools import cached_property
from typing import TYPE_CHECKING

from fileshare.cli.client_log import Logged
from fileshare.cli.client_parser import run_of
from fileshare.client.line import Lines
from fileshare.client.places import Places
from fileshare.client.rate import Rate
from fileshare.client.servers import Logins, Server, server_meant
from fileshare.client.settings import Settings, load
from fileshare.errors import BadRequest, FileshareError, NoSpace
from fileshare.wire import messages as m

if TYPE_CHECKING:
    from fileshare.cli.reporting import Printer
    from fileshare.client.digests import Digests
    from fileshare.client.state import State

TOKEN_VARIABLE = "FILESHARE_CLIENT_TOKEN"  # noqa: S105 (a name, not a token)

_QUESTION_SECONDS = 5.0
"""How long a command that moves no files tries again: someone sits there and waits."""


class Session:
    """What a command works with."""

    def __init__(self, args: Namespace) -> None:
        """Raises BadRequest for settings that make no sense."""
        self.args = args
        self.places = Places.find(os.environ)
        self.settings: Settings = load(vars(args), os.environ, self.places.config)
        self.logins = Logins(self.places.config)
        self.server: Server = server_meant(self.settings, self.logins)
        self.reporter = Logged(lambda: self.printer, self.places.state, self.settings.log_level)
        self.how_to_go_on = ""
        """The command that goes on with what is half done, once something is."""
        self._lines: Lines | None = None

    def run(self) -> int:
        """Do the command; returns its exit number."""
        return run_of(self.args.command)(self)

    # What the first byte does not need is imported when it is asked for.

    @cached_property
    def printer(self) -> "Printer":
        """Who tells the user."""
        from fileshare.cli.reporting import printer_for

        return printer_for(json=self.args.json, quiet=self.args.quiet)

    @cached_property
    def state(self) -> "State":
        """What is half done."""
        from fileshare.client.state import State

        return State(self.places.state)

    @cached_property
    def digests(self) -> "Digests":
        """What was hashed before."""
        from fileshare.client.digests import Digests

        return Digests(self.places.state)

    @property
    def lines(self) -> Lines:
        """The lines to the server, for the account that is logged in. They connect when they are used."""
        if self._lines is None:
            self._lines = self.lines_for(m.Login(token=self.token) if self.token else None)
        return self._lines

    def lines_for(self, login: m.Login | None) -> Lines:
        """Lines for another login than the kept one."""
        patience = self.settings.retry_seconds
        if not hasattr(self.args, "jobs"):
            patience = min(patience, _QUESTION_SECONDS)
        self._lines = Lines(self.server, login, self.reporter, patience)
        return self._lines

    @property
    def token(self) -> str:
        """The proof of login for this server; empty when there is none."""
        given = os.environ.get(TOKEN_VARIABLE)
        login = None if given else self.logins.of(self.server.name)
        return given or (login.token if login is not None else "")

    def account(self) -> str:
        """The account that is logged in, as the server says. Connects."""
        return self.lines.first.persist(lambda conversation: conversation.account)

    def rate(self) -> Rate:
        """The limit of this command."""
        return Rate(self.settings.limit_rate)

    def failed(self, error: FileshareError) -> None:
        """Tell that the command failed, and how to go on where that can help."""
        if self.reporter.told is not error:
            self.printer.error(error)
            self.reporter.log("error", "%s failed: %s", self.args.command, error.message)
        if self.how_to_go_on and not isinstance(error, BadRequest):
            self.printer.say(f"To go on: {self.how_to_go_on}")

    def close(self) -> None:
        """End it: connections, bars, log."""
        if self._lines is not None:
            self._lines.close()
        self.printer.close()
        self.reporter.close()


def local_failure(error: OSError) -> FileshareError:
    """What to tell when this machine refuses something that nobody asked it for: a state folder, a disk."""
    told = f"{error.filename!r}: {error.strerror}." if error.filename else f"{error.strerror or error}."
    return NoSpace(told) if error.errno == errno.ENOSPC else FileshareError(told)
