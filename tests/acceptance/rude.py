"""A thousand rude connections from one address at both doors, and a good client from the same one.

In turn without and with the crowd it moves a file up and down through each door, on a new
connection each time that logs in by token. Then, with the crowd, it does so again while others of
that address ask for lists as fast as they can (`tests.acceptance.neighbours`), on connections kept
from before and on new ones. Those are no part of the speeds: they take half of two processors.
"""

import hashlib
import http.client
import secrets
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from tests.acceptance.neighbours import TOP, Asked, Neighbours
from tests.acceptance.report import Row
from tests.acceptance.resources import held, rested
from tests.acceptance.stage import Check, Stage
from tests.e2e.frames import DATA, END, frame
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import web_address

MIB = 1 << 20
REQUIRED = 1000
ROUNDS = 5
SIZE = 512 * MIB
IN_A_ROW = 4
"""Transfers of one kind: one of a quarter of a second would tell of the moment it met."""
SETTLE = 5.0
"""Seconds that they are there before anything is measured: their first coming is over."""
STAY = 5.0
"""Seconds that they stay after the transfers, for more lists and logins."""
LISTED = 200
NEIGHBOURLY = 8
"""Descriptors that come and go with the good ones' own doing."""
PART, LIST_P99 = 0.8, 0.100
GOOD, BAD = "anna", "mallory"
PASSWORD = "not one of the common"
FETCHED = "fetched.bin"


class Good:
    """The good client; every transfer on a new connection, by token. Gives seconds."""

    def __init__(self, server: Server, token: str) -> None:
        self._server, self._token = server, token
        self._bytes = bytearray(content(MIB) * (SIZE // MIB))
        self._room = bytearray(SIZE)

    def ways(self) -> Mapping[str, Callable[[], float]]:
        """Each by its name."""
        return {
            "TCP up": self._tcp_up, "TCP down": self._tcp_down, "web up": self._web_up,
            "web down": self._web_down,
        }  # fmt: skip

    def _fresh(self) -> str:
        """Another content, and its digest."""
        self._bytes[:16] = secrets.token_bytes(16)
        return hashlib.sha256(self._bytes).hexdigest()

    def _talk(self) -> Version2:
        talk = Version2(self._server.address, 60)
        status, data = talk.ask("AUTH", token=self._token)
        assert status == "AUTH_SUCCESS", (status, data)
        return talk

    def _tcp_up(self) -> float:
        digest = self._fresh()
        began = time.monotonic()
        with self._talk() as talk:
            talk.begin(secrets.token_hex(16), "up.bin", size=SIZE, on_conflict="replace")
            whole = memoryview(self._bytes)
            for at in range(0, SIZE, MIB):
                talk.send(frame(DATA, b"")[:4] + struct.pack(">I", MIB))
                talk.send(whole[at : at + MIB])  # type: ignore[arg-type]  # bytes or a view of them
            talk.send(frame(END, b'{"size":%d,"digest":"%s"}' % (SIZE, digest.encode())))
            status, data = talk.final()
            assert status == "STORED", (status, data)
        return time.monotonic() - began

    def _tcp_down(self) -> float:
        began = time.monotonic()
        with self._talk() as talk:
            status, data = talk.ask("DOWNLOAD", path=FETCHED)
            assert status == "OK" and data["length"] == SIZE, (status, data)
            at = 0
            while at < SIZE:
                kind, length = struct.unpack(">BxxxI", talk.read(8))
                assert kind == DATA, kind
                self._take(talk.socket, at, length)
                at += length
        return time.monotonic() - began

    def _take(self, line: socket.socket, at: int, count: int) -> None:
        view = memoryview(self._room)[at : at + count]
        while view:
            got = line.recv_into(view)
            assert got, "the download broke off"
            view = view[got:]

    def _ask(self, method: str, path: str, body: bytearray | None = None) -> http.client.HTTPResponse:
        self._line = http.client.HTTPConnection(*web_address(self._server), timeout=60, blocksize=MIB)
        with suppress(BrokenPipeError, ConnectionResetError):  # the answer says why
            self._line.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
        return self._line.getresponse()

    def _web_up(self) -> float:
        self._fresh()
        began = time.monotonic()
        answer = self._ask("PUT", "/files/up.bin?overwrite=1", self._bytes)
        assert answer.status in (200, 201, 204), (answer.status, answer.read())
        self._line.close()
        return time.monotonic() - began

    def _web_down(self) -> float:
        began = time.monotonic()
        answer = self._ask("GET", f"/files/{FETCHED}")
        assert answer.status == 200, answer.status
        assert answer.readinto(self._room) == SIZE
        self._line.close()
        return time.monotonic() - began


class Crowd:
    """The rude ones' process."""

    def __init__(self, stage: Stage, server: Server, token: str, count: int) -> None:
        words = [server.address[0], server.address[1], web_address(server)[1], count, token, FETCHED]
        command = [sys.executable, "-m", "tests.acceptance.rude_crowd", *map(str, words)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=TOP)
        self.came = self.refused = 0
        stage.on_end(self._end)

    def order(self, word: str) -> int:
        """`open`, `close`, or any other to ask; returns how many are there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        there, self.came, self.refused = map(int, self._process.stdout.readline().split())
        return there

    def _end(self) -> None:
        self._process.communicate()

    @contextmanager
    def here(self) -> Iterator[None]:
        """All of them, within."""
        self.order("open")
        try:
            yield
        finally:
            self.order("close")


class Rude(Check):
    """Issue 5's second point. The count is of rude connections, half of them at each door."""

    name = "rude"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve(keep_versions=1)  # ten files of that size need a lot of room
        for name in (GOOD, BAD):
            added = self.server.run(
                "user", "add", name, "--role", "user", "--password-stdin", stdin=f"{PASSWORD}\n"
            )
            assert not added.returncode, added.stderr
        self.good = Good(self.server, _token(self.server, GOOD))
        self.crowd = Crowd(stage, self.server, _token(self.server, BAD), stage.count(REQUIRED))
        self.seconds: dict[str, dict[bool, list[float]]] = {
            way: {False: [], True: []} for way in self.good.ways()
        }
        self.present: list[int] = []

    def run(self) -> list[Row]:
        """In turn without and with them."""
        self._fill()
        with Neighbours(self.server, GOOD, PASSWORD) as neighbours:
            self._transfer(None)
            descriptors = held(self.server.pid).descriptors
            for number in range(ROUNDS):
                self._transfer(False)
                self.stage.say(f"round {number + 1} of {ROUNDS}")
                with self.crowd.here():
                    time.sleep(SETTLE)
                    self._transfer(True)
                    self.present.append(self.crowd.order("count"))
                    with neighbours.asking():
                        self._transfer(None)
                        time.sleep(STAY)
                rested(self.server.pid, descriptors + NEIGHBOURLY)
        asked = neighbours.asked
        return [*self._speeds(), *_lists(asked), *_entries(asked), self._after(descriptors)]

    def _fill(self) -> None:
        with Version1(self.server.address).log_in(GOOD, PASSWORD) as talk:
            for number in range(LISTED):
                talk.upload(f"small/{number}.txt", content(100, seed=number))
            talk.chunk = MIB
            talk.upload(FETCHED, content(MIB, seed=1) * (SIZE // MIB))

    def _transfer(self, rude: bool | None) -> None:
        """Each way once; None does not count."""
        for way, move in self.good.ways().items():
            seconds = statistics.mean(move() for _ in range(IN_A_ROW))
            if rude is not None:
                self.seconds[way][rude].append(seconds)

    def _speeds(self) -> list[Row]:
        return [self._speed(way) for way in self.seconds]

    def _speed(self, way: str) -> Row:
        calm, rude = (statistics.median(self.seconds[way][crowd]) for crowd in (False, True))
        part = calm / rude
        measured = f"{part:.0%}: {SIZE / MIB / rude:.0f} MiB/s of {SIZE / MIB / calm:.0f}"
        what = f"{self.stage.count(REQUIRED)} rude connections: {way}"
        return Row(what, f"at least {PART:.0%} of its speed", measured, part >= PART)

    def _after(self, descriptors: int) -> Row:
        now = rested(self.server.pid, descriptors)
        most = self.server.resident() / MIB
        measured = (
            f"{now.descriptors - descriptors} descriptors; they came {self.crowd.came} times and found no "
            f"door {self.crowd.refused} times, {min(self.present)} to {max(self.present)} held a connection "
            f"at a time; the server had {most:.0f} MiB at most"
        )
        return Row("rude connections: left when they have gone", "no descriptor", measured,
                   now.descriptors <= descriptors)  # fmt: skip


def _token(server: Server, name: str) -> str:
    with Version2(server.address) as talk:
        status, data = talk.ask("AUTH", username=name, password=PASSWORD, name="rude")
        assert status == "AUTH_SUCCESS", (status, data)
        return str(data["token"])


def _lists(asked: Sequence[Asked]) -> list[Row]:
    return [_list(what, [one for one in asked if one.what == what]) for what in ("kept TCP", "kept web")]


def _list(what: str, found: Sequence[Asked]) -> Row:
    p99, wrong = _at(found, 0.99), _wrong(found)
    measured = f"{p99 * 1000:.0f} ms of {len(found)}, median {_at(found, 0.5) * 1000:.0f}; {_told(wrong)}"
    check = f"LIST of {LISTED} meanwhile, {what}: 99th percentile"
    return Row(check, "within 100 ms", measured, p99 <= LIST_P99 and not wrong)


def _entries(asked: Sequence[Asked]) -> list[Row]:
    ways = ("token TCP", "token web", "password TCP", "password web")
    return [_entry(what, [one for one in asked if one.what == what]) for what in ways]


def _entry(what: str, found: Sequence[Asked]) -> Row:
    wrong, p99 = _wrong(found), _at(found, 0.99)
    measured = (
        f"{len(found)} times, median {_at(found, 0.5) * 1000:.0f}, p99 {p99 * 1000:.0f} ms; {_told(wrong)}"
    )
    return Row(f"a newcomer logs in meanwhile, {what}", "always", measured, bool(found) and not wrong)


def _wrong(found: Sequence[Asked]) -> list[str]:
    return [one.wrong for one in found if one.wrong]


def _told(wrong: Sequence[str]) -> str:
    return f"{len(wrong)} failed, the first by {wrong[0]}" if wrong else "none failed"


def _at(found: Sequence[Asked], part: float) -> float:
    ordered = sorted(one.seconds for one in found) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
