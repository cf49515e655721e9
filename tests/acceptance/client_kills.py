"""`kill -9` of the client at random moments of uploads and downloads, then `resume` and `--resume`.

The line passes the dead client's FIN on behind everything it had sent, so the server
must have read every byte that passed; after a reset it must have what it had read at
the least (see `Link.server_had_read`).
"""

import threading
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import digest_of, stored
from tests.e2e.line import Link
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, Way
from tests.e2e.sources import write_file

MIB = 1 << 20
REQUIRED = 100


class ClientKills(Check):
    """Issue's fourth point, the first half."""

    name = "client-kills"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.again = {Way.UP: 0, Way.DOWN: 0}
        self.resumed = {Way.UP: 0, Way.DOWN: 0}
        self.wrong: list[str] = []
        self.behind: list[str] = []
        self.unreported: list[str] = []
        self.server = stage.serve()
        self.line = stage.line(self.server)
        self.shell = stage.shell(self.line.address)

    def run(self) -> list[Row]:
        """Uploads and downloads in turn."""
        wanted = self.stage.count(REQUIRED)
        for number in range(wanted):
            size = self.stage.chance.randint(4 * MIB, 32 * MIB)
            source = self.shell.work / f"{number}.bin"
            digest = write_file(source, size, seed=number)
            if number % 2:
                self._download(source, size, digest)
            else:
                self._upload(source, size, digest)
            source.unlink()
            self.stage.say(
                f"{number + 1} of {wanted} kills, {sum(self.resumed.values())} of them amid the bytes"
            )
        up, down = self.resumed[Way.UP], self.resumed[Way.DOWN]
        what = "client killed"
        return [
            none_of(f"{what}: right digest and name after resuming", "failures", self.wrong, wanted),
            none_of(f"{what}: upload resumed below what the server had read", "cases", self.behind, up),
            self._row("upload, bytes the server had read and were sent again", Way.UP, up),
            self._row("download, bytes on the client's disk that were sent again", Way.DOWN, down),
            none_of(f"{what}: bytes_sent + resumed_from = size", "wrong reports", self.unreported, up),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _row(self, what: str, way: Way, of: int) -> Row:
        again = self.again[way]
        return Row(f"client killed: {what}", "0", f"{again} in {of} resumes", not again)

    def _kill_amid(self, way: Way, size: int, *words: str | Path) -> Link | None:
        """Start the command, kill it behind a random byte; the connection that carried it, if any."""
        hit = threading.Event()
        known = len(self.line.links)
        self.line.replan(ActAfter(way, self.stage.chance.randint(1, size + 1500), hit.set))
        running = self.shell.start(*words)
        wait_until("the byte has passed", lambda: hit.is_set() or running.process.poll() is not None)
        running.kill()
        links = self.line.links[known:]
        for link in links:
            assert link.finished.wait(30), "the server did not close a dead client's connection"
        return links[-1] if links else None

    def _upload(self, source: Path, size: int, digest: str) -> None:
        link = self._kill_amid(Way.UP, size, "upload", source)
        known = len(self.line.links)
        done = self.shell.run("--json", "resume", source, expect=None)
        if done.code == 4 and source.name not in stored(self.server.data_dir):
            # Killed before the server knew of it: there is nothing to resume, so upload.
            done = self.shell.upload(source, expect=None)
        if done.code or stored(self.server.data_dir).get(source.name) != digest:
            self.wrong.append(f"{source.name} ended with {done.code}: {done.out[-300:]} {done.err[-300:]}")
            return
        ready = [data for after in self.line.links[known:] for data in after.heard("READY")]
        if link is None or not link.heard("READY") or not ready:
            return
        self._compare_upload(link, ready[0]["offset"], size, source.name)
        (told,) = done.of("done")
        if told["bytes_sent"] + told["resumed_from"] != size:
            self.unreported.append(f"{source.name} of {size} bytes: {told}")

    def _compare_upload(self, link: Link, offset: int, size: int, name: str) -> None:
        read = link.body(Way.UP)
        if link.was_reset:
            read = max(0, link.server_had_read - (link.passed(Way.UP) - read))
        self.resumed[Way.UP] += 1
        self.again[Way.UP] += max(0, read - offset)
        if offset < read:
            self.behind.append(f"{name} resumed at {offset}, the server had read {read} of {size}")

    def _download(self, source: Path, size: int, digest: str) -> None:
        self.shell.run("upload", source)
        target = self.shell.home / f"back{source.stem}"
        target.mkdir()
        self._kill_amid(Way.DOWN, size, "download", source.name, "--output", target)
        part = next(target.glob("*.part"), None)
        kept = part.stat().st_size if part else 0
        finished = (target / source.name).exists()
        known = len(self.line.links)
        done = self.shell.run("download", source.name, "--resume", "--output", target, expect=None)
        if done.code or digest_of(target / source.name) != digest or next(target.glob("*.part"), None):
            self.wrong.append(f"{source.name} ended with {done.code}: {done.out[-300:]} {done.err[-300:]}")
        elif kept and not finished:
            sent = sum(link.body(Way.DOWN) for link in self.line.links[known:])
            self.resumed[Way.DOWN] += 1
            self.again[Way.DOWN] += max(0, kept + sent - size)
        (target / source.name).unlink(missing_ok=True)
