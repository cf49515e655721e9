"""A line with latency and loss: python -m benchmarks.line TARGET ROUND_TRIP LOSS, in a port, ms and a share.

A proxy between two ends on the loopback, as a process of its own. It delivers every byte half a round trip
after it came, and one whole round trip later still where a segment of it "is lost", as a resend would; what
comes behind waits, since a TCP stream stays in order. It holds at most a window in each direction. It never
slows a sender down after a loss as congestion control does, so a real lossy line is worse.
"""

import asyncio
import contextlib
import random
import sys
from dataclasses import dataclass

# Linux offers about this much by itself (net.ipv4.tcp_rmem and tcp_wmem).
WINDOW = 4 << 20
_PIECE = 64 << 10
SEGMENT = 1448
"""The bytes of a full segment on Ethernet, with timestamps (RFC 7323)."""


@dataclass(frozen=True)
class Line:
    """What the line is like: seconds there and back, and the share of segments that are lost."""

    round_trip: float
    loss: float

    def delay(self, size: int, chance: float) -> float:
        """Return how much later that many bytes arrive than they came, for a chance from 0 to 1."""
        whole = (1 - self.loss) ** -(-size // SEGMENT)
        return self.round_trip / 2 + (0.0 if chance < whole else self.round_trip)


class Way:
    """One direction of a connection: bytes wait here until they are due."""

    def __init__(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._line = line
        self._reader = reader
        self._writer = writer
        self._held = 0
        self._due = 0.0
        self._room = asyncio.Condition()
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._chance = random.Random(1)

    async def carry(self) -> None:
        """Carry bytes until the source ends or an end is gone."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take())
            group.create_task(self._deliver())

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            data = b""
            with contextlib.suppress(ConnectionError):
                data = await self._reader.read(_PIECE)
            delay = self._line.delay(len(data), self._chance.random())
            self._due = max(self._due, loop.time() + delay)
            self._waiting.put_nowait((self._due, data))
            if not data:
                return
            async with self._room:
                self._held += len(data)
                await self._room.wait_for(lambda: self._held < WINDOW)

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._waiting.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            with contextlib.suppress(ConnectionError):
                if not data:
                    self._writer.write_eof()
                    return
                self._writer.write(data)
                await self._writer.drain()
            async with self._room:
                self._held -= len(data)
                self._room.notify()


async def serve(line: Line, target: int) -> asyncio.Server:
    """Listen on a free port of the loopback for connections to the target."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        try:
            await asyncio.gather(Way(line, reader, far_writer).carry(), Way(line, far_reader, writer).carry())
        finally:
            writer.close()
            far_writer.close()

    return await asyncio.start_server(connect, "127.0.0.1", 0)


async def _main(target: int, line: Line) -> None:
    server = await serve(line, target)
    print(f"line on port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    port, milliseconds, share = sys.argv[1:]
    asyncio.run(_main(int(port), Line(float(milliseconds) / 1000, float(share))))
