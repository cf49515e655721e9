"""The line between a browser and a server: bytes of uploads wait at its gate until a test lets them pass.

So a test knows that an upload is half done without looking at a clock. Pages and questions
always pass; bytes are counted as the server's side of the line saw them.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PIECE = 64 * 1024
_UPLOADS = re.compile(rb"(PATCH /|POST \S*/tus/ )")
_OTHERS = re.compile(rb"(GET|HEAD|POST|DELETE|OPTIONS) /")


class Gate:
    """A listening port that leads to `target`, which may change while it stands."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.passed = 0
        """Bytes of uploads, their headers with them, that were handed on."""
        self.down = False
        """Whether connections are refused."""
        self._limit: int | None = None
        self._changed = asyncio.Condition()
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def allow(self, more: int | None) -> None:
        """Let that many more bytes of uploads pass; None lets all."""
        async with self._changed:
            self._limit = None if more is None else self.passed + more
            self._changed.notify_all()

    async def full(self) -> None:
        """Wait until what was allowed has passed."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self._limit is not None and self.passed >= self._limit)

    async def cut(self) -> None:
        """Take the line away: every connection breaks, and new ones do at once."""
        self.down = True
        for link in self._links:
            link.transport.abort()

    async def mend(self) -> None:
        """Let connections be made again, and everything pass."""
        self.down = False
        await self.allow(None)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, up_writer)
        self._links.update(ends)
        pumps = [
            asyncio.ensure_future(self._pump(reader, up_writer, True)),
            asyncio.ensure_future(self._pump(up_reader, writer, False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._links.difference_update(ends)
            for end in ends:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool) -> None:
        counted = False
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                if up and (_UPLOADS.match(data) or _OTHERS.match(data)):
                    counted = _UPLOADS.match(data) is not None
                if counted:
                    await self._pass(data, writer)
                else:
                    writer.write(data)
                    await writer.drain()

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while data:
            async with self._changed:
                await self._changed.wait_for(lambda: self._limit is None or self.passed < self._limit)
                some = data if self._limit is None else data[: self._limit - self.passed]
                self.passed += len(some)
                self._changed.notify_all()
            data = data[len(some) :]
            writer.write(some)
            await writer.drain()

    async def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection's whole life; ended with the gate."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._meet(reader, writer)
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """End what is left."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def open_gate(url: str) -> AsyncIterator[Gate]:
    """A gate before the server at `url`."""
    host, port = url.removeprefix("http://").split(":")
    gate = Gate((host, int(port)))
    server = await asyncio.start_server(gate.keep, "127.0.0.1", 0)
    gate.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gate
    finally:
        server.close()
        await gate.close()
