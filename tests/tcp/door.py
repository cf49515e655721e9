"""A TCP door on stores in memory, on a free port of loopback, and a plain socket to speak to it."""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fileshare.domain.model import Role
from fileshare.services.files import Files
from fileshare.storage.memory import MemoryReserve
from fileshare.tcp.server import TcpServer
from fileshare.tcp.session import TcpLimits
from fileshare.wire import messages as m
from fileshare.wire.connection import ClientConnection, Event, Exactly, FrameLimits
from tests.services.workshop import World
from tests.tcp.logins import accounts_of

PASSWORD = "correct horse"
HEADER = struct.Struct(">Q")


class Peer:
    """The other end: raw bytes, and version 1's messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send_raw(self, data: bytes) -> None:
        self.writer.write(data)

    def send(self, command: str, **data: object) -> None:
        body = json.dumps({"command": command, "data": data}).encode()
        self.writer.write(HEADER.pack(len(body)) + body)

    async def reply(self) -> tuple[str, dict[str, Any]]:
        (length,) = HEADER.unpack(await self.reader.readexactly(8))
        message = json.loads(await self.reader.readexactly(length))
        return message["status"], message["data"]

    async def ask(self, command: str, **data: object) -> tuple[str, dict[str, Any]]:
        self.send(command, **data)
        return await self.reply()

    async def log_in(self, name: str = "anna") -> None:
        status, _ = await self.ask("AUTH", username=name, password=PASSWORD)
        assert status == "AUTH_SUCCESS"

    async def ended(self) -> bytes:
        """What still comes until the server closes."""
        return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Peer2(Peer):
    """A peer that speaks version 2 by our own wire core."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.wire = ClientConnection()
        self.body = bytearray()

    async def next(self) -> Event:
        """The next reply, END or ABORT; DATA is kept in `body`."""
        while True:
            want = self.wire.wants()
            if isinstance(want, Exactly):
                event = self.wire.receive(await self.reader.readexactly(want.count))
                if event is not None:
                    return event
            elif want is not None:
                self.body += await self.reader.readexactly(want.count)
                self.wire.took(want.count)

    async def call(self, request: m.Request) -> Event:
        self.send_raw(self.wire.send(request))
        return await self.next()

    async def hello(self, name: str = "anna") -> m.AuthSuccess:
        assert isinstance(await self.call(m.Hello(version_wanted=2)), m.Welcome)
        reply = await self.call(m.Login(username=name, password=PASSWORD))
        assert isinstance(reply, m.AuthSuccess)
        return reply

    def send_segments(self, data: bytes, size: int = 1000) -> None:
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            self.send_raw(self.wire.segment(len(piece)) + piece)


class Door:
    """The server and its world."""

    def __init__(self, world: World, server: TcpServer, port: int) -> None:
        self.world = world
        self.server = server
        self.port = port

    @asynccontextmanager
    async def peer(self, form: type[Peer] = Peer) -> AsyncIterator[Any]:
        peer = form(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            yield peer
        finally:
            await peer.close()

    @asynccontextmanager
    async def peer1(self, name: str = "anna") -> AsyncIterator[Peer]:
        async with self.peer() as peer:
            await peer.log_in(name)
            yield peer

    @asynccontextmanager
    async def peer2(self, name: str = "anna") -> AsyncIterator[Peer2]:
        async with self.peer(Peer2) as peer:
            await peer.hello(name)
            yield peer


@asynccontextmanager
async def open_door(
    world: World | None = None, *, require_auth: bool = True, **limits: Any
) -> AsyncIterator[Door]:
    world = world or World()
    accounts = await accounts_of(world, {"anna": Role.USER, "bert": Role.USER, "root": Role.ADMIN}, PASSWORD)
    files = Files(
        world.catalog,
        world.blobs,
        world.shop.audit,
        clock=world.clock,
        reserve=MemoryReserve(),
        nudge=lambda: None,
        transfers=world.transfers,
    )
    limits.setdefault("frames", FrameLimits())
    limits.setdefault("small_size", 100)
    server = TcpServer(
        world.uploads,
        world.whole_files,
        files,
        accounts,
        TcpLimits(**limits),
        appending=world.appending,
        require_auth=require_auth,
    )
    ((_, port),) = await server.start("127.0.0.1", 0)
    try:
        yield Door(world, server, port)
    finally:
        await server.drain(2)
        await accounts.stop()
