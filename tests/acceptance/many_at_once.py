"""How much memory a server takes while 64 uploads and 64 downloads of 1 GiB are under way at once.

Every upload sends its first part as fast as the server takes it, until all have come so far;
then all are given up, since 64 GiB fit on few disks, and a server that holds no file in memory
needs no more for the rest. They announce a MiB more than they send, because a server refuses
what it has no room for. `--count 1024` sends a GiB each. Downloads
go on all the while, again and again, of one file. What counts is the kernel's high-water mark
of resident memory, mapped files included.
"""

import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.acceptance.report import Row
from tests.acceptance.resources import held
from tests.acceptance.stage import Check
from tests.e2e.frames import DATA, frame
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version2

MIB, GIB = 1 << 20, 1 << 30
REQUIRED = 48
"""MiB of each upload that are sent: three times what lies between two checkpoints."""
TRANSFERS = 64
MOST = 256 * MIB
SECONDS = 900.0
PIECE = content(MIB)
FILE = "fetched.bin"


@dataclass
class Crowd:
    """What the transfers of one door have in common."""

    server: Server
    token: str
    sent: int
    """Bytes of each upload."""
    fetched: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    """Set when every upload has come as far as it is to come."""
    all_there: threading.Barrier = field(default_factory=lambda: threading.Barrier(TRANSFERS + 1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def got(self, count: int) -> None:
        """Add up what the downloads have brought."""
        with self._lock:
            self.fetched += count

    @property
    def announced(self) -> int:
        """So that none of them is ever done."""
        return self.sent + MIB

    def take_part(self, transfer: "Transfer", number: int) -> None:
        """One of the transfers; nobody waits for who has failed."""
        try:
            transfer(self, number)
        except BaseException:
            self.over.set()
            self.all_there.abort()
            raise

    def upload(self, line: socket.socket, send: Callable[[bytes], None]) -> None:
        """Send, and stay until all others are as far."""
        for _ in range(self.sent // MIB):
            send(PIECE)
        with suppress(threading.BrokenBarrierError):
            self.all_there.wait(SECONDS)
        self.over.wait(SECONDS)
        line.close()

    def drain(self, line: socket.socket, count: int) -> None:
        """Take that many bytes, or as many as come until the uploads are over."""
        buffer = bytearray(MIB)
        while count and not self.over.is_set():
            got = line.recv_into(buffer, min(count, MIB))
            assert got, "the download broke off"
            count -= got
            self.got(got)


Transfer = Callable[[Crowd, int], None]


class ManyAtOnce(Check):
    """Issue 4's row on memory, a server for each door. The count is the MiB that each upload sends."""

    name = "many-at-once"

    def run(self) -> list[Row]:
        """One door, then the other."""
        doors = (("TCP", tcp_upload, tcp_download), ("web", web_upload, web_download))
        return [self._door(*door) for door in doors]

    def _door(self, door: str, up: Transfer, down: Transfer) -> Row:
        # All come at the same moment and from one address.
        server = self.stage.serve(
            door, max_unauthenticated=2 * TRANSFERS, max_unauthenticated_per_address=2 * TRANSFERS
        )
        shell = self.stage.shell(server.address)
        with (shell.work / FILE).open("wb") as file:
            file.truncate(GIB)
        shell.run("--quiet", "upload", FILE)
        with Version2(server.address) as talk:
            token = talk.ask("AUTH", username="admin", password="admin123", name="crowd")[1]["token"]
        crowd = Crowd(server, token, self.stage.count(REQUIRED) * MIB)
        self.stage.say(f"{TRANSFERS} up and down at the {door} door")
        before = held(server.pid)
        with _crowd(crowd, up, down):
            crowd.all_there.wait(SECONDS)
            full = held(server.pid)
            crowd.over.set()
        peak = server.resident()
        server.kill()
        measured = (
            f"{peak / MIB:.0f} MiB at most, {before.resident / MIB:.0f} before, anonymous "
            f"{full.anonymous / MIB:.0f} at the end; {crowd.sent // MIB} MiB of each upload sent, "
            f"{crowd.fetched / GIB:.1f} GiB fetched"
        )
        what = f"{TRANSFERS} uploads and {TRANSFERS} downloads of 1 GiB, {door} door: server's memory"
        return Row(what, "at most 256 MiB", measured, peak <= MOST)


@contextmanager
def _crowd(crowd: Crowd, up: Transfer, down: Transfer) -> Iterator[None]:
    """All of them at work; what went wrong with any is raised at the end."""
    with ThreadPoolExecutor(2 * TRANSFERS) as threads:
        tasks = [
            threads.submit(crowd.take_part, way, number) for number in range(TRANSFERS) for way in (down, up)
        ]
        try:
            yield
        except threading.BrokenBarrierError:
            pass  # who broke it says why
        finally:
            crowd.over.set()
        for task in tasks:
            task.result()


def tcp_upload(crowd: Crowd, number: int) -> None:
    """Version 2, in segments of a MiB."""
    talk = _talk(crowd)
    talk.begin(secrets.token_hex(8), f"up{number}.bin", size=crowd.announced)
    crowd.upload(talk.socket, lambda piece: talk.send(frame(DATA, piece)))


def tcp_download(crowd: Crowd, _number: int) -> None:
    """Again and again."""
    with _talk(crowd) as talk:
        while not crowd.over.is_set():
            status, data = talk.ask("DOWNLOAD", path=FILE)
            assert status == "OK" and data["length"] == GIB, (status, data)
            left = GIB
            while left and not crowd.over.is_set():
                kind, length = struct.unpack(">BxxxI", talk.read(8))
                assert kind == DATA, kind
                crowd.drain(talk.socket, length)
                left -= length
            if not left:
                talk.read(struct.unpack(">xxxxI", talk.read(8))[0])  # END


def _talk(crowd: Crowd) -> Version2:
    talk = Version2(crowd.server.address, SECONDS)
    status, data = talk.ask("AUTH", token=crowd.token)
    assert status == "AUTH_SUCCESS", (status, data)
    return talk


def web_upload(crowd: Crowd, number: int) -> None:
    """PUT, as curl does."""
    line = _ask(crowd, f"PUT /files/up{number}.bin", f"Content-Length: {crowd.announced}")
    crowd.upload(line, line.sendall)


def web_download(crowd: Crowd, _number: int) -> None:
    """Again and again, on a connection of its own each."""
    while not crowd.over.is_set():
        with _ask(crowd, f"GET /files/{FILE}", "Connection: close") as line:
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(1)
            assert head.startswith(b"HTTP/1.1 200 "), head
            crowd.drain(line, GIB)


def _ask(crowd: Crowd, request: str, *headers: str) -> socket.socket:
    host, port = crowd.server.web.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=SECONDS)
    head = [f"{request} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {crowd.token}", *headers]
    line.sendall("\r\n".join([*head, "", ""]).encode())
    return line
