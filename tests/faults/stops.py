"""SIGTERM amid many transfers, on both doors and in both directions: gone soon, and each goes on later."""

import hashlib
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Stage, nothing_left
from tests.e2e.frames import DATA, frame
from tests.e2e.inspection import half_done, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import BYTES, CREDENTIAL, Tus, web_address

MIB = 1 << 20
TRANSFERS = 50
SECONDS = 10.0
SHORT_DRAIN = 1.0
"""Of a run with a count, which is to take seconds in all."""

FIRST, SIZE = MIB, 4 * MIB
"""Bytes of an upload that are sent before the signal, and of the whole."""

DOWN, DOWN_SIZE = "down.bin", 32 * MIB
"""More than the kernel's buffers take."""

PIECE, PAUSE = 4096, 0.01
"""What flows on meanwhile, so that an upload isn't through within ten seconds."""

BROKEN = (OSError, AssertionError, KeyError, ValueError)


class Transfer:
    """One of many. `flows` says whether bytes go on coming after the signal."""

    connection: socket.socket

    def __init__(self, server: Server, number: int, whole: bytes) -> None:
        self.server = server
        self.number = number
        self.flows = number // 4 % 2 == 0
        self.whole = whole
        self.moved = 0
        """Bytes of the content that were sent or received."""

    def begin(self, ends: ExitStack) -> None:
        """Move the first bytes."""
        raise NotImplementedError

    def flow(self) -> None:
        """Move a few more; what the socket does not take or give now waits. Raises OSError."""
        raise NotImplementedError

    def hear_out(self) -> None:
        """The server has gone: take what it had sent."""

    def finish(self) -> None:
        """Go on where the server says it stands, to the end. Raises what is in `BROKEN`."""
        raise NotImplementedError


class Upload(Transfer):
    """Up: what was read before the signal is kept."""

    def __init__(self, server: Server, number: int, whole: bytes) -> None:
        super().__init__(server, number, content(SIZE, seed=number))
        self.name = f"{number}.bin"

    def flow(self) -> None:
        """See `Transfer`."""
        piece = self.whole[self.moved : self.moved + PIECE]
        self.connection.sendall(self.framed(piece))
        self.moved += len(piece)

    def framed(self, piece: bytes) -> bytes:
        """As it goes over the line."""
        return piece

    def check(self, offset: int) -> None:
        """Quiet ones stand where they stood."""
        least = FIRST
        most = self.moved if self.flows else FIRST
        assert least <= offset <= most, f"stands at {offset}, {self.moved} were sent"

    def check_stored(self) -> None:
        """Under its name, with its digest."""
        found = stored(self.server.data_dir).get(self.name)
        assert found == hashlib.sha256(self.whole).hexdigest(), f"stored with the digest {found}"


class TcpUpload(Upload):
    """Version 2."""

    def begin(self, ends: ExitStack) -> None:
        """See `Transfer`."""
        talk = ends.enter_context(Version2(self.server.address)).log_in()
        self.connection = talk.socket
        talk.begin(self._id, self.name, size=SIZE)
        talk.send_data(self.whole[:FIRST])
        self.moved = FIRST

    def framed(self, piece: bytes) -> bytes:
        """A segment."""
        return frame(DATA, piece)

    @property
    def _id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    def finish(self) -> None:
        """See `Transfer`."""
        with Version2(self.server.address).log_in() as talk:
            offset = talk.begin(self._id, self.name, size=SIZE)
            self.check(offset)
            talk.send_data(self.whole[offset:])
            talk.send_end(self.whole)
            assert talk.final()[0] == "STORED"
        self.check_stored()


class TusUpload(Upload):
    """By HTTP."""

    def begin(self, ends: ExitStack) -> None:
        """See `Transfer`."""
        tus = Tus(web_address(self.server))
        self._url = tus.create(self.name, SIZE, sha256=hashlib.sha256(self.whole).hexdigest())
        self.connection = ends.enter_context(socket.create_connection(tus.address, timeout=30))
        head = (
            f"PATCH {self._url} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {CREDENTIAL}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {BYTES}\r\n"
            f"Content-Length: {SIZE}\r\n\r\n"
        )
        self.connection.sendall(head.encode() + self.whole[:FIRST])
        self.moved = FIRST

    def finish(self) -> None:
        """See `Transfer`."""
        tus = Tus(web_address(self.server))
        offset = tus.offset(self._url)
        self.check(offset)
        assert tus.patch(self._url, offset, self.whole[offset:]).status == 204
        self.check_stored()


class Download(Transfer):
    """Down: what came is right, and the rest is had later."""

    got: bytearray

    def begin(self, ends: ExitStack) -> None:
        """See `Transfer`."""
        self.got = bytearray()
        self.ask(ends)
        while len(self.got) < FIRST:
            self.flow()

    def ask(self, ends: ExitStack) -> None:
        """Up to the first byte of the content."""
        raise NotImplementedError

    def rest(self) -> bytes:
        """The bytes from what came to the end."""
        raise NotImplementedError

    def flow(self) -> None:
        """See `Transfer`."""
        piece = self.connection.recv(PIECE)
        if not piece:
            raise ConnectionError
        self.got += piece

    def hear_out(self) -> None:
        """See `Transfer`."""
        with suppress(OSError):
            while piece := self.connection.recv(MIB):
                self.got += piece

    def finish(self) -> None:
        """See `Transfer`."""
        assert len(self.got) < DOWN_SIZE, "it came whole"
        self.got += self.rest()
        assert self.got == self.whole, "other bytes came"


class TcpDownload(Download):
    """Version 1."""

    def ask(self, ends: ExitStack) -> None:
        """See `Download`."""
        talk = ends.enter_context(Version1(self.server.address)).log_in()
        assert talk.ask("DOWNLOAD", filename=DOWN)[0] == "OK"
        self.connection = talk.socket

    def rest(self) -> bytes:
        """See `Download`."""
        with Version1(self.server.address).log_in() as talk:
            return talk.download(DOWN, len(self.got))


class WebDownload(Download):
    """A range of HTTP."""

    def ask(self, ends: ExitStack) -> None:
        """See `Download`."""
        self.connection = ends.enter_context(socket.create_connection(web_address(self.server), timeout=30))
        head = f"GET /files/{DOWN} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {CREDENTIAL}\r\n\r\n"
        self.connection.sendall(head.encode())
        told = bytearray()
        while not told.endswith(b"\r\n\r\n"):
            told += self.connection.recv(1)

    def rest(self) -> bytes:
        """See `Download`."""
        connection = HTTPConnection(*web_address(self.server), timeout=30)
        try:
            told = {"Authorization": f"Basic {CREDENTIAL}", "Range": f"bytes={len(self.got)}-"}
            connection.request("GET", f"/files/{DOWN}", headers=told)
            return connection.getresponse().read()
        finally:
            connection.close()


KINDS: Sequence[type[Transfer]] = (TcpUpload, TusUpload, TcpDownload, WebDownload)


def stopped(stage: Stage) -> list[Row]:
    """The rows of it."""
    many, drain = stage.count(TRANSFERS), SHORT_DRAIN if stage.counted else SECONDS
    server = stage.serve(bcrypt_cost=4, drain_seconds=round(drain))
    down = content(DOWN_SIZE, seed=many)
    with Version1(server.address).log_in() as talk:
        talk.upload(DOWN, down)
    transfers = [KINDS[number % len(KINDS)](server, number, down) for number in range(many)]
    with ExitStack() as ends:
        for one in transfers:
            one.begin(ends)
        uploads = sum(isinstance(one, Upload) for one in transfers)
        wait_until("the first bytes are written", lambda: _written(server) == [FIRST] * uploads)
        code, seconds = _signalled(server, transfers)
        for one in transfers:
            one.hear_out()
    server.restart()
    wrong = [finding for one in transfers for finding in _finished(one)]
    what = f"SIGTERM amid {many} transfers"
    good = code == 0 and seconds < SECONDS
    return [
        Row(f"{what}: gone", "within 10 s, exit 0", f"{seconds:.1f} s, exit {code}", good),
        none_of(f"{what}: not resumed and ended right", "transfers", wrong, many),
        nothing_left(f"{what}: left over", server),
    ]


def _written(server: Server) -> list[int]:
    return [written for _, _, written in half_done(server.data_dir)]


def _signalled(server: Server, transfers: Sequence[Transfer]) -> tuple[int, float]:
    with _flowing([one for one in transfers if one.flows]):
        started = time.monotonic()
        code = server.stop()
        return code, time.monotonic() - started


@contextmanager
def _flowing(transfers: Sequence[Transfer]) -> Iterator[None]:
    """Bytes go on to move, a few each time, until their lines break or this ends."""
    ended = threading.Event()

    def flow() -> None:
        left = list(transfers)
        while not ended.wait(PAUSE):
            for one in list(left):
                ready = select.select([one.connection], [one.connection], [], 0)
                if not ready[isinstance(one, Upload)]:
                    continue
                try:
                    one.flow()
                except OSError:
                    left.remove(one)

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _finished(transfer: Transfer) -> Iterator[str]:
    try:
        transfer.finish()
    except BROKEN as error:
        yield f"{transfer.number}, {type(transfer).__name__}: {type(error).__name__}: {error}"
