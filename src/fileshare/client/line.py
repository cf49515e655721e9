"""A connection that comes back: what is tried on it is tried again when the line was lost.

Holds at most one conversation. Each attempt gets a fresh one after a failure and must
ask the server where it stands, so nothing here knows what was being done. Refusals
that another try can't mend come out at once, as does a server that never answered.
"""

from collections.abc import Callable
from typing import TypeVar

from fileshare.client.conversation import Conversation
from fileshare.client.reports import Reporter
from fileshare.client.retry import Patience
from fileshare.client.servers import Server
from fileshare.errors import ConnectionLost, FileshareError
from fileshare.wire import messages as m

T = TypeVar("T")


class Line:
    """One connection's worth of work towards a server."""

    def __init__(self, server: Server, login: m.Login | None, patience: Patience, reporter: Reporter) -> None:
        self.server = server
        self.patience = patience
        self._login = login
        self._reporter = reporter
        self._conversation: Conversation | None = None
        self._reached = False
        self._stopped = False

    def conversation(self) -> Conversation:
        """The conversation that is open, or a new one. Raises ConnectionLost."""
        if self._stopped:
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
                self._clear()
                if self._stopped or not self._reached:
                    raise
                pause = self.patience.pause_for(error)
                self._reporter.retry(error, pause)
                self.patience.wait(pause)

    def _clear(self) -> None:
        """Keep the conversation only where it can be used for something else."""
        if self._conversation is not None and not self._conversation.idle:
            self.drop()

    def drop(self) -> None:
        """Close the conversation, if one is open."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.close()

    def stop(self) -> None:
        """From another thread: end what runs here, soon, and let nothing begin anew."""
        self._stopped = True
        conversation = self._conversation
        if conversation is not None:
            conversation.cut()
