"""Those who use a server during a soak: they come back until they are answered, and note what they hear."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.e2e.line import Line
from tests.e2e.rules import AfterBytes, Way
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import Tus, web_address
from tests.faults.line_trials import BROKEN, CUTS, GONE

Address = tuple[str, int]
Attempt = Callable[[bool], None]
"""Tries once; raises one of `BROKEN` when it is to be tried again. Over a bad line, if that is said."""

KEPT = 20
"""Files of one patron; with more the oldest is deleted."""

SIZES = (10_000, 600_000)
"""Most bytes of a file, small or large."""

BAD_LINES = 0.3
"""Of all first tries."""

PATIENCE = 5.0
"""Seconds for a reply."""

NEVER = 120.0
"""Seconds after which who still gets no good answer counts as one that the server has failed."""

AFTER = 0.05
"""Seconds until somebody who was refused comes back."""


@dataclass
class Town:
    """One server, which may be down, and what came of all that was asked of it."""

    server: Server
    seed: str
    ended: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    broken: int = 0
    """Tries that failed, and were made again."""
    wrong: list[str] = field(default_factory=list)


class Spoilt(Exception):
    """Other bytes came than were stored."""


class Patron(threading.Thread):
    """One of many, with a folder of their own."""

    def __init__(self, town: Town, number: int) -> None:
        super().__init__(daemon=True)
        self.town = town
        self.number = number
        self.chance = random.Random(f"{town.seed} patron {number}")
        self.files: dict[str, str] = {}
        """The digest of every file that was acknowledged, and was not asked to go."""
        self._count = 0

    def run(self) -> None:
        """One thing after the other."""
        jobs = [self._upload_tcp, self._upload_web, self._download_tcp, self._download_web]
        while not self.town.ended.is_set():
            self._until_done(self.chance.choice(jobs if self.files else jobs[:2])())
            if len(self.files) > KEPT:
                self._until_done(self._remove())

    def _until_done(self, attempt: Attempt) -> None:
        name, why = attempt.__qualname__.split(".")[1], ""
        deadline, bad = time.monotonic() + NEVER, self.chance.random() < BAD_LINES
        while time.monotonic() < deadline:
            try:
                attempt(bad)
            except BROKEN as error:
                why, bad = f"{type(error).__name__}: {error}", False
                self.town.broken += 1
                time.sleep(AFTER)
            except Spoilt as error:
                self.town.wrong.append(f"patron {self.number}, {name}: other bytes came: {error}")
                return
            else:
                self.town.done += 1
                return
        self.town.wrong.append(f"patron {self.number}, {name}: no good answer in {NEVER:.0f} s, last {why}")

    @contextmanager
    def _way(self, address: Address, bad: bool) -> Iterator[Address]:
        """Where to connect."""
        if not bad:
            yield address
            return
        fault = CUTS[self.chance.choice(list(CUTS))]
        with Line(address) as line:
            line.plan(
                *[AfterBytes(self.chance.choice(list(Way)), self.chance.randint(1, SIZES[1]), fault)] * 3
            )
            yield line.address

    def _tus(self, address: Address) -> Tus:
        return Tus(address, seconds=PATIENCE)

    def _new(self) -> tuple[str, bytes, str]:
        """A name, its content and the digest."""
        self._count += 1
        number = self.number * 1_000_000 + self._count
        data = content(self.chance.randint(1, self.chance.choice(SIZES)), seed=number)
        return f"p{self.number}/{self._count}.bin", data, hashlib.sha256(data).hexdigest()

    # What they want

    def _upload_tcp(self) -> Attempt:
        name, data, digest = self._new()

        def attempt(bad: bool) -> None:
            with (
                self._way(self.town.server.address, bad) as address,
                Version2(address, PATIENCE).log_in() as talk,
            ):
                status, told = talk.ask("UPLOAD", upload_id=digest[:32], path=name, size=len(data))
                if status == "READY":
                    talk.send_data(data[told["offset"] :])
                    talk.send_end(data)
                    status, told = talk.final()
                assert status == "STORED", (status, told)
            self.files[name] = digest

        return attempt

    def _upload_web(self) -> Attempt:
        name, data, digest = self._new()
        url = ""

        def attempt(bad: bool) -> None:
            nonlocal url
            with self._way(web_address(self.town.server), bad) as address:
                tus = self._tus(address)
                url = url or tus.create(name, len(data), sha256=digest)
                answer = tus.ask("HEAD", url)
                if answer.status in GONE:
                    url = ""
                assert answer.status == 200, answer
                offset = int(answer.headers["upload-offset"])
                if offset < len(data):
                    answer = tus.patch(url, offset, data[offset:])
                assert answer.status < 300, answer
            self.files[name] = digest

        return attempt

    def _download_tcp(self) -> Attempt:
        name = self.chance.choice(list(self.files))

        def attempt(bad: bool) -> None:
            with (
                self._way(self.town.server.address, bad) as address,
                Version1(address, PATIENCE).log_in() as talk,
            ):
                status, told = talk.ask("DOWNLOAD", filename=name)
                assert status == "OK", (status, told)
                self._compare(name, talk.read(told["file_size"]))

        return attempt

    def _download_web(self) -> Attempt:
        name = self.chance.choice(list(self.files))

        def attempt(bad: bool) -> None:
            with self._way(web_address(self.town.server), bad) as address:
                answer = self._tus(address).ask("GET", f"/files/{name}")
            assert answer.status == 200, answer.status
            # A head that was cut off passes for a whole one, without a length.
            assert int(answer.headers["content-length"]) == len(answer.body)
            self._compare(name, answer.body)

        return attempt

    def _compare(self, name: str, data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() != self.files[name]:
            raise Spoilt(f"{len(data)} of {name}")

    def _remove(self) -> Attempt:
        name = next(iter(self.files))
        del self.files[name]

        def attempt(bad: bool) -> None:
            with self._way(web_address(self.town.server), bad) as address:
                answer = self._tus(address).ask("DELETE", f"/api/v1/files/{name}")
            assert answer.status in (200, 204, 404), answer

        return attempt


class Lister(threading.Thread):
    """Lists all files twice a second; `took` has the moment of each, and the seconds that it took."""

    def __init__(self, town: Town) -> None:
        super().__init__(daemon=True)
        self.town = town
        self.took: list[tuple[float, float]] = []

    def run(self) -> None:
        """Until the end; where the server is down, again."""
        while not self.town.ended.is_set():
            with suppress(*BROKEN), Version1(self.town.server.address, PATIENCE).log_in() as talk:
                while not self.town.ended.wait(0.5):
                    started = time.monotonic()
                    talk.names()
                    self.took.append((started, time.monotonic() - started))
            time.sleep(AFTER)
