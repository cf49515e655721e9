"""`kill -9` of the server at random moments of uploads, with the real client going on by itself.

What the server had received and written is the length of the part on disk between
the kill and the restart: a dead process writes no more, and its writes stay in the
page cache. What it had acknowledged is what the line saw in CHECKPOINT messages.
"""

import threading
import time
from dataclasses import dataclass

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import half_done, stored
from tests.e2e.line import Link
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, Way
from tests.e2e.shells import Running
from tests.e2e.sources import write_file

MIB = 1 << 20
REQUIRED = 200
MOST_KILLS = 3
"""Of the server during one upload."""


@dataclass(frozen=True, slots=True)
class Kill:
    """What stood on disk right after one, and how many connections the line had seen."""

    links: int
    written: int


class ServerKills(Check):
    """Issue's third point."""

    name = "server-kills"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.kills = self.resumed = self.again = 0
        self.wrong: list[str] = []
        self.behind: list[str] = []
        self.slowest = 0.0
        self.server = stage.serve()
        self.line = stage.line(self.server)
        self.shell = stage.shell(self.line.address)

    def run(self) -> list[Row]:
        """Kill as often as required, then look at what is left."""
        wanted, number = self.stage.count(REQUIRED), 0
        while self.kills < wanted:
            self._upload(number, min(wanted - self.kills, self.stage.chance.randint(1, MOST_KILLS)))
            number += 1
            self.stage.say(f"{self.kills} of {wanted} kills, {self.resumed} of them amid the bytes")
        what = "server killed"
        again = f"{self.again} in {self.resumed} resumes"
        return [
            none_of(
                f"{what}: upload finishes by itself, right digest and name", "failures", self.wrong, number
            ),
            none_of(f"{what}: resumed below an acknowledged offset", "cases", self.behind, self.resumed),
            Row(f"{what}: written bytes that were sent again", "0", again, not self.again),
            Row(f"{what}: restart", "banner, no hand needed", f"slowest {self.slowest:.1f} s", True),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _upload(self, number: int, kills: int) -> None:
        size = self.stage.chance.randint(4 * MIB, 32 * MIB)
        source = self.shell.work / f"{number}.bin"
        digest = write_file(source, size, seed=number)
        begun = len(self.line.links)
        hit = self._plan(size)
        running = self.shell.start("--json", "upload", source)
        seen: list[Kill] = []
        for left in range(kills - 1, -1, -1):
            seen.append(self._kill(hit, running))
            hit = self._plan(size - seen[-1].written if left else 2 * size)
            self._restart()
        done = running.wait()
        self._compare_offsets(begun, seen, source.name)
        if done.code or stored(self.server.data_dir).get(source.name) != digest:
            self.wrong.append(f"{source.name} ended with {done.code}: {done.out[-300:]} {done.err[-300:]}")
        source.unlink()

    def _plan(self, size: int) -> threading.Event:
        """The next connection tells when a random byte of it has passed."""
        hit = threading.Event()
        self.line.replan(ActAfter(Way.UP, self.stage.chance.randint(1, size + 1500), hit.set))
        return hit

    def _kill(self, hit: threading.Event, running: Running) -> Kill:
        """When the byte has passed, or a little later, or when the upload is through."""
        wait_until("the byte has passed", lambda: hit.is_set() or running.process.poll() is not None)
        time.sleep(self.stage.chance.choice([0, 0, 0.001, 0.005, 0.02]))
        self.server.kill()
        self.kills += 1
        for link in self.line.links:
            assert link.finished.wait(10)
        waiting = half_done(self.server.data_dir)
        return Kill(len(self.line.links), waiting[0][2] if waiting else 0)

    def _restart(self) -> None:
        started = time.monotonic()
        self.line.target = self.server.restart().address
        self.slowest = max(self.slowest, time.monotonic() - started)

    def _compare_offsets(self, begun: int, seen: list[Kill], name: str) -> None:
        """From where the server let the client go on after each kill, and what it had before."""
        ends = [kill.links for kill in seen[1:]] + [len(self.line.links)]
        for kill, end in zip(seen, ends, strict=True):
            offsets = _offsets(self.line.links[kill.links : end], "READY")
            if not offsets:
                continue
            told = max(_offsets(self.line.links[begun : kill.links], "CHECKPOINT"), default=0)
            self.resumed += 1
            self.again += max(0, kill.written - offsets[0])
            if offsets[0] < told:
                self.behind.append(f"{name} resumed at {offsets[0]}, acknowledged was {told}")


def _offsets(links: list[Link], status: str) -> list[int]:
    return [data["offset"] for link in links for data in link.heard(status)]
