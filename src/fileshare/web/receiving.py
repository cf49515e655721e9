"""One file from the body of a request into an upload, ended well or badly.

What arrived of a broken one stays only where its digest is known: nobody could tell
otherwise whether later bytes belong to it.
"""

from typing import Protocol

from fileshare.domain.model import Receipt
from fileshare.errors import ConnectionLost, FileshareError, TooLarge
from fileshare.services.writer import Writer

SLICE = 64 << 20
"""Bytes between two looks at size and space, as at the other door."""


class Body(Protocol):
    """Where the bytes come from: a `Source` that knows whether it ended as it should."""

    @property
    def whole(self) -> bool:
        """Whether everything has been read, up to the end that the sender gave it."""
        ...

    async def read(self, limit: int) -> bytes:
        """As `services.ports.Source.read`."""
        ...


async def receive(writer: Writer, body: Body) -> Receipt:
    """Take the body to its end and store it; durable and listed on return.

    Raises as `Writer.receive` and `Writer.finish`; ConnectionLost for a body that broke off,
    and Superseded when a newcomer took the upload.
    """
    try:
        await take(writer, body)
    except BaseException:  # also when the server stops: nobody else would let go
        await _leave(writer)
        raise
    try:
        return await writer.finish()
    except FileshareError:
        await _leave(writer)
        raise


async def take(writer: Writer, body: Body) -> None:
    """All of a body that ends as it should, and no more than the upload has room for.

    Raises as `Writer.receive`; ConnectionLost and Superseded as `receive`, TooLarge for more.
    """
    while writer.left != 0:
        if not await writer.receive(body, SLICE if writer.left is None else min(SLICE, writer.left)):
            break
    if writer.left == 0 and await body.read(1):
        raise TooLarge("More bytes came than were announced.")
    if not body.whole:
        writer.raise_if_superseded()
        raise ConnectionLost("The connection ended within an upload.")


async def _leave(writer: Writer) -> None:
    if writer.upload.digest is None and not writer.superseded:
        await writer.abandon()
    else:
        await writer.release()
