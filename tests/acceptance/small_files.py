"""10,000 files of 4 KiB in 100 folders: interrupted, gone on with, and nobody's failure goes unnamed."""

import re
import time
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.shells import Finished
from tests.e2e.sources import write_tree
from tests.e2e.terminal import Terminal

REQUIRED = 10_000
FOLDERS = 100
TOTAL = re.compile(r"(\d+) of (\d+) files")
SIZE = 4096


class SmallFiles(Check):
    """Issue's seventh point. The count is in hundreds of files."""

    name = "small-files"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.line = stage.line(self.server)
        self.shell = stage.shell(self.line.address)
        self.count = stage.count(REQUIRED // 100) * 100
        self.folder = self.shell.work / "many"

    def run(self) -> list[Row]:
        """Cut by the line, killed, gone on with; then once more with files that can't be stored."""
        files = write_tree(self.folder, FOLDERS, self.count, SIZE)
        expected = {f"many/{path}": digest for path, digest in files.items()}
        seen = self._cut_and_kill()
        known = len(self.line.links)
        had = len(stored(self.server.data_dir))
        started = time.monotonic()
        done = self.shell.upload("--recursive", self.folder, expect=None)
        seconds = time.monotonic() - started
        sent = sum(link.body(Way.UP) for link in self.line.links[known:])
        left = (self.count - had) * SIZE
        found = stored(self.server.data_dir)
        wrong = sorted(path for path in expected | found if expected.get(path) != found.get(path))
        what = f"{self.count} small files"
        return [
            Row(
                f"{what}: goes on after cut and kill",
                "exit 0",
                f"exit {done.code}, {seconds:.1f} s",
                not done.code,
            ),
            none_of(f"{what}: each there once and right", "wrong", wrong, self.count),
            Row(
                f"{what}: stored before the kill and sent again",
                "0 bytes",
                f"{sent} sent, {left} were missing",
                sent <= left,
            ),
            _live_total(what, seen, self.count),
            self._again(what),
            self._names_failures(what),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _cut_and_kill(self) -> str:
        """The line fails twice and the client goes on by itself; then the client is killed.

        Returns what stood on its terminal.
        """
        third = self.count * SIZE // 4
        self.line.plan(
            AfterBytes(Way.UP, third, Fault.RESET),
            AfterBytes(Way.UP, third, Fault.CLOSE),
            AfterBytes(Way.UP, third, Fault.STALL),
        )
        known = len(self.line.links)
        with Terminal() as terminal:
            process = terminal.start(self.shell, "upload", "--recursive", self.folder)
            wait_until(
                "the third connection stalls",
                lambda: [link for link in self.line.links[known:] if link.passed(Way.UP) == third][2:],
                seconds=120,
            )
            wait_until("the total is drawn", lambda: TOTAL.search(terminal.text))
            process.kill()
            process.wait()
        self.line.links[-1].fail(Fault.CLOSE)
        self.line.links[-1].finished.wait(10)
        wait_until("what was on the way is stored", self._settled)
        return terminal.text

    def _settled(self) -> bool:
        before = len(stored(self.server.data_dir))
        time.sleep(0.5)
        return len(stored(self.server.data_dir)) == before

    def _again(self, what: str) -> Row:
        known = len(self.line.links)
        started = time.monotonic()
        done = self.shell.upload("--recursive", self.folder, "--on-conflict", "skip-same", expect=None)
        seconds = time.monotonic() - started
        sent = sum(link.body(Way.UP) for link in self.line.links[known:])
        measured = f"exit {done.code}, {sent} bytes, {seconds:.1f} s"
        return Row(
            f"{what}: once more with skip-same", "exit 0, 0 bytes", measured, not done.code and not sent
        )

    def _names_failures(self, what: str) -> Row:
        """Names that the server refuses, and one that can't be read, amid files that are fine."""
        folder = self.shell.work / "mixed"
        write_tree(folder, folders=2, files=50, size=100)
        bad = [folder / "back\\slash.bin", folder / "new\nline.bin"]
        for path in bad:
            path.write_bytes(b"x")
        gone = folder / "unreadable"
        gone.symlink_to("nowhere")
        done = self.shell.upload("--recursive", "--follow-links", folder, expect=None)
        named = [path.name for path in [*bad, gone] if _names(done, path)]
        there = sum(path.startswith("mixed/") for path in stored(self.server.data_dir))
        good = done.code == 10 and len(named) == 3 and there == 50
        measured = f"exit {done.code}, {there} stored, named {named}"
        return Row(f"{what}: 3 of 53 fail", "exit 10, 50 stored, 3 named", measured, good)


def _live_total(what: str, seen: str, count: int) -> Row:
    """The terminal must have counted files while they moved, towards the right total."""
    told = [(int(now), int(of)) for now, of in TOTAL.findall(seen)]
    rising = sorted({now for now, _ in told if 0 < now < count})
    at_least = 2 if count >= REQUIRED else 1  # a few hundred are over in one frame
    good = len(rising) >= at_least and bool(told) and told[-1][1] == count
    measured = f"{len(told)} drawn, {rising[:1]} to {rising[-1:]} of {told[-1][1] if told else 'none'}"
    return Row(f"{what}: live total on a terminal", "rises towards the count", measured, good)


def _names(done: Finished, path: Path) -> bool:
    return any(path.name in str(event.get("path")) for event in done.of("error"))
