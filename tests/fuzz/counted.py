"""The counted check: so many mutated frames, none of which may crash, hang, or raise what nobody handles."""

import random
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fileshare.wire.frames import Kind, pack
from tests.acceptance.report import Row
from tests.e2e.servers import Server
from tests.e2e.talk import Version1
from tests.fuzz.mutations import spoil_frame
from tests.fuzz.targets import REPLY_FRAMES, REQUEST_FRAMES, STATES, client, server

HANG = 1.0
"""Seconds; of the processor in process, since others may hold it."""
PEEK = 0.002
"""Seconds that a socket is listened to before the next frame: most answers are there by then."""
HELLO = b'{"command": "HELLO", "data": {"version": 2}}'
ADMIN = b'{"command": "AUTH", "data": {"username": "admin", "password": "admin123"}}'
LOGIN_SECONDS = 0.2


def in_process(chance: random.Random, count: int) -> Row:
    """Both ends of the wire, each frame in some state of theirs."""
    slowest, found = 0.0, ""
    for number in range(count):
        read, frames = (client, REPLY_FRAMES) if number % 4 == 0 else (server, REQUEST_FRAMES)
        data = bytes([chance.randrange(256)]) + spoil_frame(chance, chance.choice(frames))
        began = time.thread_time()
        try:
            read(data)
        except Exception as error:
            found = found or f"{type(error).__name__}: {error} by {read.__name__} {data[:2000]!r}"
        slowest = max(slowest, time.thread_time() - began)
    passed = not found and slowest < HANG
    measured = found or f"{count} in {len(STATES)} states, slowest {slowest * 1000:.1f} ms"
    return Row("mutated frames in process", "none raises or takes over 1 s", measured, passed)


def over_a_socket(chance: random.Random, count: int, folder: Path) -> Row:
    """A real server on a disk, asked by an admin and by nobody, so that frames reach what lies behind."""
    settings = {"require_auth": False, "bcrypt_cost": 4, "max_unauthenticated_per_address": 1000}
    place = Server(folder / "data", {**settings, "max_unauthenticated": 1000}).start()
    try:
        found = _bombard(chance, count, place)
        hung = _slowest_list(place)
        found += [] if hung < HANG else [f"a LIST took {hung:.1f} s afterwards"]
        found += [] if place.alive else ["the server is gone"]
    finally:
        code = place.stop()
    complaints = place.complaints()
    found += [complaints[-2000:]] if complaints else []
    found += [] if code == 0 else [f"exit {code}"]
    measured = found[0] if found else f"{count}, server lives, no traceback, LIST {hung * 1000:.0f} ms"
    return Row("mutated frames over a socket", "no crash, no hang, no traceback", measured, not found)


def _bombard(chance: random.Random, count: int, place: Server) -> list[str]:
    """Lines are kept as long as the server keeps them; now and then an honest LIST is timed."""
    line: socket.socket | None = None
    found: list[str] = []
    for number in range(count):
        if line is None or chance.randrange(20) == 0:
            _close(line)
            line = _opened(chance, place)
        if not _said(line, spoil_frame(chance, chance.choice(REQUEST_FRAMES))):
            _close(line)
            line = None
        if number % 500 == 0 and (took := _slowest_list(place)) > HANG:
            found.append(f"a LIST took {took:.1f} s after frame {number}")
    _close(line)
    return found


def _opened(chance: random.Random, place: Server) -> socket.socket:
    line = socket.create_connection(place.address, HANG * 10)
    line.settimeout(PEEK)
    if chance.randrange(4):
        _said(line, _frame(HELLO))
        if chance.randrange(2):
            line.settimeout(LOGIN_SECONDS)
            _said(line, _frame(ADMIN))
            line.settimeout(PEEK)
    return line


def _frame(body: bytes) -> bytes:
    return pack(Kind.MESSAGE, len(body)) + body


def _said(line: socket.socket, data: bytes) -> bool:
    """Whether the line still stands after a frame; what is answered is read and thrown away."""
    try:
        line.sendall(data)
        return bool(line.recv(1 << 16))
    except TimeoutError:
        return True
    except OSError:
        return False


def _close(line: socket.socket | None) -> None:
    if line is not None:
        with suppress(OSError):
            line.close()


def _slowest_list(place: Server, times: int = 3) -> float:
    took: Sequence[float] = [_list(place) for _ in range(times)]
    return max(took)


def _list(place: Server) -> float:
    with Version1(place.address) as talk:
        began = time.monotonic()
        status, _ = talk.ask("LIST")
        assert status == "OK"
        return time.monotonic() - began
