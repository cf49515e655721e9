"""A connection that comes back: what is tried on it is tried again when the line was lost.

Holds at most one conversation. Each attempt gets a fresh one after a failure and must
ask the server where it stands, so nothing here knows what was being done. Refusals
that another try can't mend come out at once, as does a server that never answered.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from fileshare.client.conversation import Conversation
from fileshare.client.reports import Reporter
from fileshare.client.retry import Patience
from fileshare.client.servers import Server
from fileshare.errors import ConnectionLost, FileshareError, ProtocolError
from fileshare.wire import messages as m

T = TypeVar("T")
R = TypeVar("R", bound=m.Reply)

_LONGEST_WAIT = 0.5


class Lines:
    """The lines of one command to its server."""

    def __init__(
        self, server: Server, login: m.Login | None, reporter: Reporter, retry_seconds: float
    ) -> None:
        """`retry_seconds`: how long without progress before a line gives up."""
        self.server = server
        self._login = login
        self._reporter = reporter
        self._retry_seconds = retry_seconds
        self.first = self._new()
        """The line that is there anyway: for questions, and for the first worker."""
        self._lines = [self.first]

    def line(self) -> "Line":
        """A line of one's own; it connects when it is used."""
        line = self._new()
        self._lines.append(line)
        return line

    def _new(self) -> "Line":
        return Line(self.server, self._login, Patience(self._retry_seconds), self._reporter)

    def stop(self) -> None:
        """From any thread: end what runs on all lines, soon."""
        for line in self._lines:
            line.stop()

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines:
            line.drop()


class Line:
    """One connection's worth of work towards a server. For one thread at a time."""

    def __init__(self, server: Server, login: m.Login | None, patience: Patience, reporter: Reporter) -> None:
        self.server = server
        self.patience = patience
        self._login = login
        self._reporter = reporter
        self._conversation: Conversation | None = None
        self._reached = False
        self._stopped = threading.Event()

    def conversation(self) -> Conversation:
        """The conversation that is open, or a new one. Raises ConnectionLost."""
        if self._stopped.is_set():
            raise ConnectionLost("The transfer was stopped.")
        if self._conversation is None:
            self._conversation = Conversation.open(self.server, self._login)
            self._reached = True
        return self._conversation

    def persist(self, attempt: Callable[[Conversation], T]) -> T:
        """Do `attempt`, again and again where the line was lost. Raises the error that remains."""
        while True:
            try:
                return attempt(self.conversation())
            except FileshareError as error:
                self._clear(error)
                if self._stopped.is_set() or not self._reached:
                    raise
                pause = self.patience.pause_for(error)
                self._reporter.retry(error, pause)
                self._wait(pause)

    def _wait(self, seconds: float) -> None:
        """In short pieces: Windows lets no Ctrl-C into a longer one."""
        while seconds > 0 and not self._stopped.wait(min(seconds, _LONGEST_WAIT)):
            seconds -= _LONGEST_WAIT

    def ask(self, request: m.Request, form: type[R]) -> R:
        """Ask what may be asked twice, and return the reply. Raises what the server answered instead."""
        return self.persist(lambda conversation: conversation.ask(request, form))

    def _clear(self, error: FileshareError) -> None:
        """Keep the conversation only where it can be used for something else."""
        broken = isinstance(error, ConnectionLost | ProtocolError)
        if self._conversation is not None and (broken or not self._conversation.idle):
            self.drop()

    def drop(self) -> None:
        """Close the conversation, if one is open."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.close()

    def stop(self) -> None:
        """From another thread: end what runs here, soon, and let nothing begin anew."""
        self._stopped.set()
        conversation = self._conversation
        if conversation is not None:
            conversation.cut()
