"""One transfer over a line with one fault at a random byte, and a client who comes back on a good line.

By hand, on both doors and in both directions: version 2 and tus up, version 1 and ranges
of HTTP down. A bit flips only behind what opens the transfer: no digest covers requests.
"""

import contextlib
import hashlib
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from tests.e2e.line import PIECE, Line, Link
from tests.e2e.rules import ActAfter, AfterBytes, Fault, FlipBit, NoRule, Rule, Verdict, Way
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import BYTES, CREDENTIAL, Tus, web_address

IN_FRONT = 1500
"""Bytes before a body, at most."""

PATIENCE = 0.5
"""Seconds after which a client gives a line up that says nothing."""

BROKEN = (OSError, HTTPException, AssertionError, ValueError, KeyError)
"""What a client by hand makes of a line that failed, and of replies that make no sense."""

CUTS = {"cut": Fault.CLOSE, "reset": Fault.RESET, "stall": Fault.STALL, "half-close": Fault.HALF_CLOSE}
FAULTS = [*CUTS, "delay", "drip", "flip"]
TRIES = 4
GONE = (404, 410, 460)
"""What tells a client by tus to begin anew; 460 that the bytes which had come were spoilt."""

DOWN = "down.bin"
DOWN_DATA = content(300_000)


@dataclass
class Found:
    """What came of all trials."""

    struck: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=lambda: {DOWN: hashlib.sha256(DOWN_DATA).hexdigest()})
    """The digest of every file that there must be."""
    wrong: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    resumed: int = 0


@dataclass
class Watched:
    """A rule, and whether it came to pass."""

    rule: Rule
    struck: bool = False

    def look(self, way: Way, passed: int, data: bytes) -> Verdict:
        """As the rule."""
        verdict = self.rule.look(way, passed, data)
        self.struck |= verdict.then is not None or verdict.instead is not None
        return verdict


class Trial:
    """One of them; its number says all about it."""

    def __init__(self, server: Server, seed: int, number: int, found: Found) -> None:
        self.server = server
        self.found = found
        self.chance = random.Random(f"{seed} network {number}")
        self.way = [self._upload_tcp, self._upload_web, self._download_tcp, self._download_web][number % 4]
        uploads = number % 4 < 2
        self.direction = Way.UP if uploads else Way.DOWN
        self.data = content(self.chance.randint(20_000, 400_000), seed=number) if uploads else DOWN_DATA
        self.digest = hashlib.sha256(self.data).hexdigest()
        self.name = f"{number}.bin"
        self.fault = self.chance.choice(FAULTS)
        self.about = f"{number}: {self.way.__name__} of {len(self.data)} bytes, {self.fault}"

    def run(self) -> None:
        """Do it; what is wrong is in `found`."""
        try:
            self.way()
        except BROKEN as error:
            self.found.wrong.append(f"{self.about}: {type(error).__name__}: {error}")

    # The line

    def _rule(self) -> Rule:
        """The fault, mostly in the direction of the bytes."""
        if self.fault == "drip":
            return NoRule()
        if self.fault == "flip":
            return FlipBit(self.direction, self.chance.randint(IN_FRONT, len(self.data)))
        (other,) = set(Way) - {self.direction}
        with_bytes = self.chance.random() < 0.8
        at = self.chance.randint(1, len(self.data) if with_bytes else 400)
        way = self.direction if with_bytes else other
        if self.fault == "delay":
            return ActAfter(way, at, lambda: time.sleep(0.1))
        return AfterBytes(way, at, CUTS[self.fault])

    @contextlib.contextmanager
    def _line(self, target: tuple[str, int], *, tapped: bool = False) -> Iterator[Line]:
        """A bad line, for one connection."""
        rule, drips = Watched(self._rule()), self.fault == "drip"
        with Line(
            target, tapped=tapped, piece=1400 if drips else PIECE, pause=0.0003 if drips else 0
        ) as line:
            line.plan(rule)
            yield line
        if rule.struck or drips:
            self.found.struck[self.fault] = self.found.struck.get(self.fault, 0) + 1

    def _compare(self, read: int, in_front: int, offset: int) -> None:
        """Whether all that was read is kept. Where a bit flipped all may have to come again."""
        if self.fault != "flip":
            self.found.resumed += 1
            if offset < (least := min(len(self.data), max(0, read - in_front))):
                self.found.behind.append(f"{self.about}: resumed at {offset}, {least} were read")

    # Up

    def _upload_tcp(self) -> None:
        with self._line(self.server.address, tapped=True) as line:
            with contextlib.suppress(*BROKEN), Version2(line.address, seconds=PATIENCE) as talk:
                talk.log_in()
                offset = talk.begin(self._id, self.name, size=len(self.data))
                talk.send_data(self.data[offset:])
                talk.send_end(self.data)
                talk.final()
            link = line.links[-1]
            self._go_on_tcp(link)

    @property
    def _id(self) -> str:
        return f"upload-{self.digest[:32]}"

    def _go_on_tcp(self, link: Link) -> None:
        read = link.server_had_read if link.was_reset else link.arrived()  # a newcomer gets all of it
        body = link.body(Way.UP)  # looked at first, so that a line that still drips can't make it too much
        in_front = link.passed(Way.UP) - body
        for again in range(TRIES):
            with Version2(self.server.address).log_in() as talk:
                status, data = talk.ask("UPLOAD", upload_id=self._id, path=self.name, size=len(self.data))
                if status == "READY":
                    begun = bool(link.heard("READY")) and not again
                    if begun:
                        self._compare(read, in_front, data["offset"])
                    talk.send_data(self.data[data["offset"] :])
                    talk.send_end(self.data)
                    status, data = talk.final()
            if status == "STORED":
                self.found.names[self.name] = self.digest
                return
        raise AssertionError(f"not stored: {status} {data}")

    def _upload_web(self) -> None:
        tus = Tus(web_address(self.server))
        url = tus.create(self.name, len(self.data), sha256=self.digest)
        with self._line(tus.address) as line:
            head = self._patch(line.address, url)
            self._go_on_web(tus, url, line.links[-1], head)

    def _patch(self, address: tuple[str, int], url: str) -> int:
        """All bytes in one request; returns how many were in front of them."""
        lines = (
            f"PATCH {url} HTTP/1.1",
            f"Host: {address[0]}:{address[1]}",
            f"Authorization: Basic {CREDENTIAL}",
            "Tus-Resumable: 1.0.0",
            "Upload-Offset: 0",
            f"Content-Type: {BYTES}",
            f"Content-Length: {len(self.data)}",
        )
        head = "\r\n".join((*lines, "", "")).encode()
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=PATIENCE) as connection:
            connection.sendall(head + self.data)
            connection.recv(1)
        return len(head)

    def _go_on_web(self, tus: Tus, url: str, link: Link, head: int) -> None:
        read = link.read_by_server()
        for again in range(TRIES):
            answer = tus.ask("HEAD", url)
            if answer.status in GONE:
                url = tus.create(self.name, len(self.data), sha256=self.digest)
                continue
            assert answer.status == 200, f"HEAD is answered {answer}"
            offset = int(answer.headers["upload-offset"])
            if not again:
                self._compare(read, head, offset)
            if offset < len(self.data):
                answer = tus.patch(url, offset, self.data[offset:])
            if answer.status < 300:
                self.found.names[self.name] = self.digest
                return
        raise AssertionError(f"not stored: {answer}")

    # Down

    def _download_tcp(self) -> None:
        got, digest = bytearray(), ""
        with self._line(self.server.address) as line:
            with contextlib.suppress(*BROKEN), Version1(line.address, seconds=PATIENCE).log_in() as talk:
                digest = str(talk.ask("DOWNLOAD", filename=DOWN)[1]["file_hash"])
                self._read_into(got, talk.socket)
        self._check_spoilt(got)
        with Version1(self.server.address).log_in() as talk:
            got += talk.download(DOWN, len(got))
        assert got == self.data and digest in ("", self.digest), "other bytes came"

    def _read_into(self, got: bytearray, connection: socket.socket) -> None:
        while len(got) < len(self.data) and (piece := connection.recv(1 << 18)):
            got += piece

    def _check_spoilt(self, got: bytearray) -> None:
        """What came whole and was spoilt has another digest, and is thrown away; nothing else is spoilt."""
        if self.fault == "flip" and len(got) == len(self.data):
            assert hashlib.sha256(got).hexdigest() != self.digest, "a bit that flipped was not seen"
            got.clear()
        assert got == self.data[: len(got)], "other bytes came"

    def _download_web(self) -> None:
        got = bytearray()
        with self._line(web_address(self.server)) as line, contextlib.suppress(*BROKEN):
            self._get(line.address, got, PATIENCE)
        self._check_spoilt(got)
        if len(got) < len(self.data):
            self._get(web_address(self.server), got, 30)
        assert got == self.data, "other bytes came"

    def _get(self, address: tuple[str, int], got: bytearray, seconds: float) -> None:
        connection = HTTPConnection(*address, timeout=seconds)
        told = {"Authorization": f"Basic {CREDENTIAL}", "Range": f"bytes={len(got)}-"}
        try:
            connection.request("GET", f"/files/{DOWN}", headers=told)
            answer = connection.getresponse()
            assert answer.status == 206, answer.status
            while piece := answer.read1(1 << 18):
                got += piece
        finally:
            connection.close()
