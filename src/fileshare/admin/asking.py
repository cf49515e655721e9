"""A command's end of the admin socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fileshare.admin import place
from fileshare.admin.messages import (
    MAX_LINE,
    AnyReply,
    Done,
    Failed,
    Freed,
    Request,
    RestDeletion,
    Resting,
    to_line,
    to_reply,
)
from fileshare.errors import ProtocolError, Unavailable

ANSWER_SECONDS = 60.0
"""Between two lines: emptying a full trash takes its time, a stuck server does not answer at all."""


class Asking:
    """A conversation with the running server; from `ask_server`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def answer(self, request: Request) -> AsyncIterator[AnyReply]:
        """What the server says, up to its final line.

        Raises what the server failed with, and Unavailable when it stops answering:
        then what was asked may or may not have been done.
        """
        self._writer.write(to_line(request))
        while True:
            reply = await self._next()
            if isinstance(reply, Failed):
                raise reply.error()
            yield reply
            if isinstance(reply, Done | Freed | Resting):
                return

    async def _next(self) -> AnyReply:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return to_reply(await self._reader.readuntil(b"\n"))
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise Unavailable("The server does not answer; look at its log, then try again.") from None

    async def rest_deletion(self) -> None:
        """From now until this conversation ends nothing is unlinked in the data folder."""
        async for reply in self.answer(RestDeletion()):
            if not isinstance(reply, Resting):
                raise ProtocolError()


@asynccontextmanager
async def ask_server(folder: Path) -> AsyncIterator[Asking]:
    """A conversation with the server that runs on this data folder. Raises Unavailable when none listens."""
    try:
        connection = place.connect(folder)
    except OSError as error:
        raise Unavailable(
            f"The data folder {folder} is in use, but its server can't be reached ({error.strerror}): "
            "wait until it has started or stopped, and try again as the user it runs as."
        ) from None
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_LINE)
    try:
        yield Asking(reader, writer)
    finally:
        writer.close()
