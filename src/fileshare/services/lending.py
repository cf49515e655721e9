"""A socket lent to the store, which takes a body's raw bytes off it in a thread of its own.

The fast way into a part file: no byte passes through the event loop. What is lent is
only ever raw bytes of the body; whoever lends goes on reading, and knowing where the
body ends, as soon as the socket is back.
"""

import fcntl
import select
import socket
import termios
from array import array
from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from fileshare.services.ports import Source

PATIENCE_MS = 100
"""How long a thread waits for the next byte; then the loop does."""

FLOWING = 64 << 10
"""Bytes waiting in the kernel that make it worth to lend a socket: they come faster than we take them."""


class Loan(Protocol):
    """A socket of which nobody else reads until it is given back."""

    @property
    def socket(self) -> int:
        """Its descriptor, which does not block, and is open until it is given back."""
        ...

    @property
    def limit(self) -> int:
        """Bytes that may be taken off it, at most."""
        ...

    def due(self, taken: int) -> int:
        """How many bytes of the body lie next on the socket, or will, after `taken` of them were taken.

        0 at the end of the loan. In the thread; may read what frames the body, and wait a
        little for that.
        """
        ...

    @property
    def recalled(self) -> bool:
        """Whether the owner wants it back at once. May be asked in any thread."""
        ...

    def recall(self) -> None:
        """Ask for it back, as the owner does."""
        ...

    def passed(self, data: memoryview) -> None:
        """Hear what was taken, in the thread that took it, before it is kept; good only within the call."""
        ...

    def give_back(self, taken: int) -> None:
        """The end of the loan: so many bytes were taken. On the loop's thread."""
        ...


@runtime_checkable
class SocketSource(Source, Protocol):
    """A source whose bytes may be taken from its socket."""

    async def lend(self, limit: int) -> Loan | None:
        """The socket, while more of the body waits there than the loop should carry.

        None where `read` serves as well: little has come, bytes wait in memory, the source
        has ended, or TLS is in between. `limit` is in bytes.
        """
        ...


class SocketLoan:
    """`Loan` of a copy of somebody's socket."""

    def __init__(self, sock: socket.socket, limit: int, returned: Callable[[int], None]) -> None:
        """`returned` is told how many bytes were taken. The owner reads nothing until then."""
        self.copy: Final = sock.dup()
        self.socket = self.copy.fileno()
        self.limit = limit
        self.recalled = False
        self._returned = returned

    def due(self, taken: int) -> int:
        """See the port: nothing frames the body."""
        return self.limit - taken

    def recall(self) -> None:
        """See the port."""
        self.recalled = True

    def passed(self, data: memoryview) -> None:
        """See the port: nobody listens."""

    def give_back(self, taken: int) -> None:
        """See the port."""
        self.copy.close()
        self._returned(taken)


def unread(sock: socket.socket | None) -> int:
    """Bytes that the kernel holds for us and nobody has read."""
    if sock is None or sock.fileno() < 0:
        return 0
    count = array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.FIONREAD, count)
    return count[0]


def readable(descriptor: int, milliseconds: int) -> bool:
    """Wait so long at most until something can be read, the end included."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(milliseconds))
