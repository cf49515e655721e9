"""A process with a crowd of rude connections at both doors of a server, in turn of every kind there is.

Each is opened, misbehaves until the server ends it or its time is over, and comes again soon after.
`open` on standard input lets them come, `close` makes all go at once; the answer to either is one
line. Those with an account all have the same one.
"""

import asyncio
import base64
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.e2e.frames import DATA, MESSAGE, frame
from tests.e2e.hostile import message

PAUSE = 2.0
"""Seconds between two questions of one, and until it comes again: its faults are tried here, and not how
many requests a second two processors answer beside a transfer that takes them both."""
DRIP = 1.0
"""Seconds between two bytes of a slow one."""
HOLD = 30.0
"""Seconds that one sits there whom the server does not end."""
HUGE = 1 << 50
PIECE = 64 << 10


async def _about(seconds: float) -> None:
    """Wait so long on average: people who don't know of each other do not keep step."""
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))


class Aims(NamedTuple):
    """Where to go, with what."""

    tcp: tuple[str, int]
    web: tuple[str, int]
    token: str
    file: str


class Line:
    """A connection to a door; the other end may close it at any time, which is an OSError."""

    def __init__(self, sock: socket.socket, aims: Aims, number: int) -> None:
        self.aims = aims
        self.number = number
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """All of it."""
        await self._loop.sock_sendall(self._socket, data)

    async def answer(self) -> None:
        """Some bytes of one. Raises ConnectionError at the end."""
        if not await self._loop.sock_recv(self._socket, PIECE):
            raise ConnectionError

    async def sit(self) -> None:
        """Stay, and take what comes, until it is over."""
        while True:
            await self.answer()

    async def sit_unread(self) -> None:
        """Stay, and take nothing."""
        await asyncio.sleep(HOLD)

    async def drip(self, data: bytes) -> None:
        """A byte a second."""
        for byte in data:
            await self.send(bytes([byte]))
            await _about(DRIP)
        await self.sit()

    async def ask_unread(self, request: bytes) -> None:
        """Now and again, and take nothing."""
        for _ in range(int(HOLD / PAUSE)):
            await self.send(request)
            await _about(PAUSE)

    async def ask_on(self, request: Callable[[], bytes]) -> None:
        """Again and again, a pause after each answer."""
        while True:
            await self.send(request())
            await self.answer()
            await _about(PAUSE)

    def half_close(self) -> None:
        """Nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    @property
    def name(self) -> str:
        """Of a file that is nobody else's."""
        return f"rude{self.number}.bin"


Kind = Callable[[Line], Awaitable[None]]

# Both doors


async def silent(line: Line) -> None:
    """Nothing at all."""
    await line.sit()


async def garbage(line: Line) -> None:
    """Four kilobytes of chance."""
    await line.send(os.urandom(4096))
    await line.sit()


async def comes_and_goes(_: Line) -> None:
    """Connect, close."""


# TCP, strangers

HELLO = message("HELLO", version=2, client="rude", features=[])


async def half_a_frame(line: Line) -> None:
    """A length, and some of it."""
    await line.send(HELLO[:20])
    await line.sit()


async def slow_frame(line: Line) -> None:
    """A byte each second."""
    await line.drip(HELLO)


async def huge_frame(line: Line) -> None:
    """A petabyte is announced."""
    await line.send(HUGE.to_bytes(8, "big") + b"{")
    await line.sit()


async def greets(line: Line) -> None:
    """Speaks well, and never logs in."""
    await line.send(HELLO)
    await line.ask_on(lambda: frame(MESSAGE, b'{"command": "WHOAMI", "data": {}}'))


async def half_closed(line: Line) -> None:
    """Says something and that it has said all, and stays."""
    await line.send(HELLO)
    line.half_close()
    await line.sit_unread()


async def guesses(line: Line) -> None:
    """Passwords, of one name after the other."""
    await line.ask_on(lambda: message("AUTH", username=f"guest{os.urandom(2).hex()}", password="letmein"))


async def wrong_tokens(line: Line) -> None:
    """As many as it can."""
    await line.send(HELLO)
    await line.answer()
    await line.ask_on(lambda: message("AUTH", token=os.urandom(32).hex()))


# TCP, with an account


async def _log_in(line: Line) -> None:
    await line.send(HELLO)
    await line.answer()
    await line.send(message("AUTH", token=line.aims.token))
    await line.answer()


async def unread_lists(line: Line) -> None:
    """Of whose answers none is read."""
    await _log_in(line)
    await line.ask_unread(message("LIST", path="", recursive=True))


async def unread_file(line: Line) -> None:
    """A large file that it does not take."""
    await _log_in(line)
    await line.send(message("DOWNLOAD", path=line.aims.file))
    await line.sit_unread()


async def stalled_upload(line: Line) -> None:
    """Begun, and left there."""
    await _log_in(line)
    await line.send(message("UPLOAD", upload_id=os.urandom(16).hex(), path=line.name, size=1 << 20))
    await line.send(frame(DATA, bytes(PIECE)))
    await line.sit()


async def slow_upload(line: Line) -> None:
    """A byte each second."""
    await _log_in(line)
    await line.send(message("UPLOAD", upload_id=os.urandom(16).hex(), path=line.name, size=1 << 20))
    while True:
        await line.send(frame(DATA, b"x"))
        await _about(DRIP)


async def huge_upload(line: Line) -> None:
    """Of which there can't be room."""
    await _log_in(line)
    await line.ask_on(lambda: message("UPLOAD", upload_id=os.urandom(16).hex(), path=line.name, size=HUGE))


TCP: Sequence[Kind] = (
    silent, garbage, comes_and_goes, half_a_frame, slow_frame, huge_frame, greets, half_closed, guesses,
    wrong_tokens, unread_lists, unread_file, stalled_upload, slow_upload, huge_upload,
)  # fmt: skip

# The web, strangers


def _head(first: str, *more: str) -> bytes:
    return "\r\n".join([f"{first} HTTP/1.1", "Host: localhost", *more, "", ""]).encode()


async def half_a_head(line: Line) -> None:
    """The first line, and no end."""
    await line.send(_head("GET /healthz")[:-2])
    await line.sit()


async def slow_head(line: Line) -> None:
    """A byte each second."""
    await line.drip(_head("GET /healthz"))


async def asks_for_nothing(line: Line) -> None:
    """Requests that anyone may make."""
    await line.ask_on(lambda: _head("GET /healthz"))


async def half_closed_request(line: Line) -> None:
    """Asks, has said all, and reads nothing."""
    await line.send(_head("GET /login"))
    line.half_close()
    await line.sit_unread()


async def guesses_basic(line: Line) -> None:
    """Passwords, of one name after the other."""

    def request() -> bytes:
        credential = base64.b64encode(f"guest{os.urandom(2).hex()}:letmein".encode()).decode()
        return _head("GET /api/v1/files", f"Authorization: Basic {credential}")

    await line.ask_on(request)


async def wrong_bearers(line: Line) -> None:
    """Tokens, one after the other."""
    await line.ask_on(lambda: _head("GET /api/v1/files", f"Authorization: Bearer {os.urandom(32).hex()}"))


async def huge_form(line: Line) -> None:
    """A petabyte to log in with."""
    kind = "Content-Type: application/x-www-form-urlencoded"
    await line.ask_on(lambda: _head("POST /login", kind, f"Content-Length: {HUGE}"))


async def slow_form(line: Line) -> None:
    """A form of which a byte comes each second."""
    kind = "Content-Type: application/x-www-form-urlencoded"
    await line.send(_head("POST /login", kind, "Content-Length: 1000"))
    await line.drip(b"x" * 1000)


# The web, with an account


def _known(line: Line, first: str, *more: str) -> bytes:
    return _head(first, f"Authorization: Bearer {line.aims.token}", *more)


async def unread_pages(line: Line) -> None:
    """Of which none is read."""
    await line.ask_unread(_known(line, "GET /api/v1/files?path=small&limit=1000"))


async def unread_body(line: Line) -> None:
    """A large file that it does not take."""
    await line.send(_known(line, f"GET /files/{line.aims.file}"))
    await line.sit_unread()


async def stalled_body(line: Line) -> None:
    """Begun, and left there."""
    await line.send(_known(line, f"PUT /files/{line.name}", "Content-Length: 1048576") + bytes(PIECE))
    await line.sit()


async def slow_body(line: Line) -> None:
    """A byte each second."""
    await line.send(_known(line, f"PUT /files/{line.name}", "Content-Length: 1048576"))
    await line.drip(b"x" * 1000)


async def huge_body(line: Line) -> None:
    """Of which there can't be room."""
    await line.ask_on(lambda: _known(line, f"PUT /files/{line.name}", f"Content-Length: {HUGE}"))


WEB: Sequence[Kind] = (
    silent, garbage, comes_and_goes, half_a_head, slow_head, asks_for_nothing, half_closed_request,
    guesses_basic, wrong_bearers, huge_form, slow_form,
    unread_pages, unread_body, stalled_body, slow_body, huge_body,
)  # fmt: skip

# The crowd


@dataclass
class Crowd:
    """All of them, while they are there."""

    aims: Aims
    count: int
    came: Counter[str] = field(default_factory=Counter)
    """How often one of a kind got a connection."""
    refused: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _open: int = 0
    _all_came: asyncio.Event = field(default_factory=asyncio.Event)
    _first: set[int] = field(default_factory=set)

    async def open(self) -> None:
        """Until each has been there once."""
        for number in range(self.count):
            address, kinds = (self.aims.web, WEB) if number % 2 else (self.aims.tcp, TCP)
            kind = kinds[number // 2 % len(kinds)]
            self._tasks.append(asyncio.create_task(self._stay(address, kind, number)))
        await self._all_came.wait()

    async def _stay(self, address: tuple[str, int], kind: Kind, number: int) -> None:
        while True:
            await self._visit(address, kind, number)
            await _about(PAUSE)

    async def _visit(self, address: tuple[str, int], kind: Kind, number: int) -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(sock, address)
            except OSError:
                self.refused += 1
                return
            self.came[kind.__name__] += 1
            self._note_first(number)
            self._open += 1
            try:
                with suppress(OSError):
                    await kind(Line(sock, self.aims, number))
            finally:
                self._open -= 1

    def _note_first(self, number: int) -> None:
        self._first.add(number)
        if len(self._first) == self.count:
            self._all_came.set()

    @property
    def there(self) -> int:
        """Connections that are open now."""
        return self._open

    async def close(self) -> None:
        """All go at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._first.clear()
        self._all_came.clear()


async def main(words: Sequence[str]) -> None:
    """Do as standard input says, until it ends."""
    host, tcp, web, count, token, file = words
    crowd = Crowd(Aims((host, int(tcp)), (host, int(web)), token, file), int(count))
    orders: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"open": crowd.open, "close": crowd.close}
    while order := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if order in orders:
            await orders[order]()
        sys.stdout.write(f"{crowd.there} {crowd.came.total()} {crowd.refused}\n")
        sys.stdout.flush()
    await crowd.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
