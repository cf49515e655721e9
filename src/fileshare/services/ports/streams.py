"""Where bytes come from and go to: a sender, a receiver, and an open file between them."""

from typing import Protocol


class Source(Protocol):
    """Where the bytes of a body come from: a connection, a file, a test."""

    async def read(self, limit: int) -> bytes | bytearray | memoryview:
        """The next 1 to `limit` bytes; empty when the source has ended, for whatever reason.

        Everything that was taken off the network comes out before the end is told,
        so that a connection that was reset loses nothing that had been read. The bytes
        are the caller's from then on: a source never writes into what it has given.
        """
        ...


class OpenFile(Protocol):
    """A stored file that is open for reading, as a store hands it to a sink."""

    def fileno(self) -> int:
        """Its descriptor, for what the system does with files as a whole; not to be closed."""
        ...

    async def read(self, offset: int, count: int) -> bytes:
        """The next 1 to `count` bytes from `offset`. Raises Damaged where the file has ended."""
        ...

    async def send_to(self, socket: int, offset: int, count: int, stall_seconds: float) -> None:
        """Send `count` bytes from `offset` into a TCP socket that nobody else writes to meanwhile.

        `socket` is its descriptor, non-blocking, and stays the caller's. Raises ConnectionLost, also when the
        peer takes next to nothing for `stall_seconds`, and Damaged when the file ends too early.
        """
        ...


class Sink(Protocol):
    """Where the bytes of a download go."""

    async def write(self, data: bytes | memoryview) -> None:
        """Hand over `data`; returns when there is room for more. Raises ConnectionLost."""
        ...

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        """Send `count` bytes of an open file from `offset`, by `OpenFile.send_to` where there is a socket.

        Raises ConnectionLost, and Damaged when the file ends before `count` bytes.
        """
        ...
