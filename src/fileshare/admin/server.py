"""The running server's end of the admin socket.

Answers only processes of the server's own user, and root, who could become that
user anyway. Never answers anyone else, whatever the socket's mode has become.
"""

import asyncio
import logging
import os
from pathlib import Path

from fileshare.admin import place
from fileshare.admin.desk import Desk, commander
from fileshare.admin.messages import (
    MAX_LINE,
    Failed,
    Reply,
    RestDeletion,
    Resting,
    to_line,
    to_request,
)
from fileshare.domain.model import Caller
from fileshare.errors import FileshareError, Forbidden, ProtocolError

ROOT = 0

_log = logging.getLogger("fileshare.server")


class AdminServer:
    """Listens in a data folder whose lock the caller holds."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        self._folder = folder
        self._desk = desk
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises OSError."""
        listener = place.listen(self._folder)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE)

    async def stop(self) -> None:
        """Hang up on everyone and take the socket away. Safe to call twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        (self._folder / place.NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine that runs has a task)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self._answer_all(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the asker went away, or the server stops
        except Exception:
            _log.exception("the admin socket failed")
        finally:
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = place.user_at(writer.get_extra_info("socket"))
        if uid not in (os.geteuid(), ROOT):
            await _say(writer, _failed(Forbidden("Only the server's own user may ask this.")))
            return
        more = True
        while more:
            try:
                more = await self._answer_next(commander(uid), reader, writer)
            except ProtocolError as error:
                await _say(writer, _failed(error))
                return
            except FileshareError as error:
                await _say(writer, _failed(error))

    async def _answer_next(
        self, caller: Caller, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """False when the asker has hung up."""
        line = await _next_line(reader)
        if not line:
            return False
        request = to_request(line)
        if isinstance(request, RestDeletion):
            async with self._desk.deletion_resting():
                await _say(writer, Resting())
                await reader.read()
            return False
        async for reply in self._desk.answer(request, caller):
            await _say(writer, reply)
        return True


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """The next line, empty when the asker has hung up. Raises ProtocolError for one that is too long."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return b""
    except asyncio.LimitOverrunError:
        raise ProtocolError("The request is too long.") from None


async def _say(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(to_line(reply))
    await writer.drain()


def _failed(error: FileshareError) -> Failed:
    return Failed(error.code, error.message)
