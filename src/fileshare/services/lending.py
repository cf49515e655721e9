"""A socket lent to the store, which takes a body's raw bytes off it in a thread of its own.

The fast way into a part file: no byte passes through the event loop. What is lent is
only ever raw bytes of the body; whoever lends goes on reading, and knowing where the
body ends, as soon as the socket is back.
"""

from typing import Protocol, runtime_checkable

from fileshare.services.ports import Source


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

    @property
    def recalled(self) -> bool:
        """Whether the owner wants it back at once. May be asked in any thread."""
        ...

    def recall(self) -> None:
        """Ask for it back, as the owner does."""
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
