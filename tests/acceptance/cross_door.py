"""Uploads that are begun through one door and finished through the other, byte counts taken from the line.

What the server had read of a cut connection is known as in `network_cuts`: all that had
passed before a FIN, and at a RST a lower bound that the kernel gives.
"""

import mmap
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.line import Link
from tests.e2e.patience import wait_until
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.sources import write_file
from tests.e2e.tus import Tus, web_address

MIB = 1 << 20
GIB = 1 << 30
REQUIRED = 40
FAULTS = (Fault.CLOSE, Fault.RESET)


class CrossDoor(Check):
    """The web door's fourth point."""

    name = "cross-door"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.again = {"tus": 0, "client": 0}
        self.resumed = {"tus": 0, "client": 0}
        self.wrong: list[str] = []
        self.server = stage.serve()
        self.tcp = stage.line(self.server)
        self.shell = stage.shell(self.tcp.address)
        self.tus = Tus(web_address(self.server))

    def run(self) -> list[Row]:
        """The first two are of 1 GiB, the others small; by turns in both directions."""
        wanted = self.stage.count(REQUIRED)
        for number in range(wanted):
            size = GIB if number < 2 and wanted == REQUIRED else self.stage.chance.randint(4 * MIB, 32 * MIB)
            source = self.shell.work / f"{number}.bin"
            digest = write_file(source, size, seed=number)
            cut = AfterBytes(Way.UP, self.stage.chance.randint(2000, size), FAULTS[number // 2 % 2])
            kept, read = (self._to_client if number % 2 else self._to_tus)(source, digest, cut)
            way = "client" if number % 2 else "tus"
            self.resumed[way] += 1
            self.again[way] += max(0, read - kept)
            if stored(self.server.data_dir).get(source.name) != digest:
                self.wrong.append(source.name)
            source.unlink()
            self.stage.say(f"{number + 1} of {wanted} uploads changed doors")
        what = "begun at the one door, finished at the other"
        return [
            none_of(f"{what}: right digest and name", "failures", self.wrong, wanted),
            self._row("TCP first, then tus: received bytes that tus was asked for again", "tus"),
            self._row("tus first, then the client: received bytes sent again", "client"),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _row(self, what: str, way: str) -> Row:
        again = self.again[way]
        return Row(what, "0", f"{again} in {self.resumed[way]} resumes", not again)

    def _to_client(self, source: Path, digest: str, cut: AfterBytes) -> tuple[int, int]:
        """Begun by tus: what the client went on from, and what the server had read."""
        size = source.stat().st_size
        web = self.stage.line(self.server)
        web.target = web_address(self.server)
        url = self.tus.create(source.name, size, sha256=digest)
        web.plan(cut)
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            with memoryview(data) as view:
                head = Tus(web.address).patch_in_vain(url, 0, view)
        (link,) = web.links
        assert link.finished.wait(30)
        done = self.shell.run("--json", "resume", source, expect=None)
        if done.code:
            self.wrong.append(f"{source.name} ended with {done.code}: {done.err[-300:]}")
            return 0, 0
        (told,) = done.of("done")
        if told["bytes_sent"] != size - told["resumed_from"]:
            self.wrong.append(f"{source.name} of {size} bytes: {told}")
        return told["resumed_from"], _read(link, head)

    def _to_tus(self, source: Path, _digest: str, cut: AfterBytes) -> tuple[int, int]:
        """Begun by the client, which is killed: what tus went on from, and what the server had read."""
        known = len(self.tcp.links)
        self.tcp.replan(AfterBytes(cut.way, cut.count, Fault.STALL))
        running = self.shell.start("upload", source)
        wait_until("the bytes are through", lambda: self._passed(known) >= cut.count, 60)
        running.kill()
        link = self.tcp.links[-1]
        link.fail(cut.fault)
        assert link.finished.wait(30)
        url = self.tus.half_done()[source.name]
        offset = self.tus.offset(url)
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            with memoryview(data) as view, view[offset:] as rest:
                answer = self.tus.patch(url, offset, rest)
        if answer.status != 204:
            self.wrong.append(f"{source.name}: {answer}")
        self.shell.run("resume", "--forget")
        return offset, _read(link, link.passed(Way.UP) - link.body(Way.UP))

    def _passed(self, known: int) -> int:
        return sum(link.passed(Way.UP) for link in self.tcp.links[known:])


def _read(link: Link, in_front: int) -> int:
    """Body bytes that the server had read of a connection, at the least."""
    return max(0, (link.server_had_read if link.was_reset else link.passed(Way.UP)) - in_front)
