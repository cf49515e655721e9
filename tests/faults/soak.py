"""A long mixed load with faults in between: nothing told is lost, and nothing grows.

First the server is killed, stopped and started again and again; then one process lives
through bad lines and full disks, and its memory, descriptors and lists are compared
between the beginning and the end.
"""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.servers import Server
from tests.e2e.tus import Tus, web_address
from tests.faults.line_trials import BROKEN
from tests.faults.patrons import NEVER, Lister, Patron, Town

MIB = 1 << 20
PATRONS = 6
DISK = 512 * MIB
RESTARTS = 1 / 3
"""Of the time, the beginning; the rest belongs to one process."""

WARM_UP = 1 / 4
"""Of one process's time: caches fill, and the patrons have not all their files yet."""

EVERY = 15.0
"""Seconds between two faults, on average."""

FULL = 2.0
"""Seconds for which the disk is full."""

MEMORY, MORE_MEMORY = 1.15, 8 * MIB
DESCRIPTORS = 16
LATENCY, MORE_SECONDS = 1.5, 0.01
"""What the last third may have more than the first, in ratio and sum: a machine is never quite still."""


@dataclass
class Watch:
    """What a process took, sampled once a second."""

    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def look(self, pid: int) -> None:
        """Now."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE"))
        self.descriptors.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


def soaked(stage: Stage, minutes: float) -> list[Row]:
    """The rows of it."""
    with _small_disk(stage.folder) as place:
        server = Server(place / "data", {"bcrypt_cost": 4})
        server.data_dir.mkdir()
        server.start()
        try:
            return _rows(stage, server, minutes * 60)
        finally:
            server.kill_if_alive()


def _rows(stage: Stage, server: Server, seconds: float) -> list[Row]:
    town = Town(server, stage.seed)
    patrons, lister = [Patron(town, number) for number in range(PATRONS)], Lister(town)
    for thread in (*patrons, lister):
        thread.start()
    faults = Faults(stage, town)
    faults.upset(seconds * RESTARTS, [faults.kill, faults.stop, faults.fill])
    began, watch = time.monotonic(), Watch()
    faults.upset(seconds * (1 - RESTARTS), [faults.fill, lambda: None], watch)
    town.ended.set()
    for thread in (*patrons, lister):
        thread.join(2 * NEVER)
    files = {name: digest for patron in patrons for name, digest in patron.files.items()}
    there = _at_rest(town)
    odd = sorted(dict(there.items() ^ files.items()))
    told = f"{town.done} transfers, {faults.told}, {town.broken} tries broken"
    warm = began + seconds * (1 - RESTARTS) * WARM_UP
    lists = [took for moment, took in lister.took if moment > warm]
    return [
        none_of(f"soak of {seconds / 60:.0f} min: {told}", "findings", town.wrong, town.done),
        none_of("soak: files missing, too many or damaged", "files", odd, len(files)),
        *_flat(watch, lists),
        nothing_left("soak: left over", server),
        Row("soak: tracebacks", "none", server.complaints()[-200:] or "none", not server.complaints()),
    ]


def _at_rest(town: Town) -> dict[str, str]:
    """What is stored once the half-done uploads, whose first reply was lost, are given up."""
    town.server.stop()
    town.server.restart()
    tus = Tus(web_address(town.server))
    while left := tus.half_done():
        for url in left.values():
            tus.ask("DELETE", url)
    return stored(town.server.data_dir)


def _flat(watch: Watch, lists: Sequence[float]) -> Iterator[Row]:
    memory, descriptors = (
        _ends(found[round(len(found) * WARM_UP) :]) for found in (watch.memory, watch.descriptors)
    )
    least, most = (statistics.median(third) for third in memory)
    good = most <= least * MEMORY + MORE_MEMORY
    shown = f"{least / MIB:.0f} MiB, then {most / MIB:.0f} MiB"
    yield Row("soak: memory of one process", f"flat: +15 % and {MORE_MEMORY // MIB} MiB at most", shown, good)
    least, most = (statistics.median(third) for third in descriptors)
    good = most <= least + DESCRIPTORS
    yield Row("soak: its descriptors", f"flat: +{DESCRIPTORS} at most", f"{least:.0f}, then {most:.0f}", good)
    least, most = (statistics.median(third) for third in _ends(lists))
    good = most <= least * LATENCY + MORE_SECONDS
    shown = f"{least * 1000:.0f} ms, then {most * 1000:.0f} ms"
    yield Row("soak: its lists, median", "flat: +50 % and 10 ms at most", shown, good)


def _ends(found: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The first third, and the last."""
    third = max(1, len(found) // 3)
    return found[:third], found[-third:]


class Faults:
    """What happens to the server meanwhile."""

    def __init__(self, stage: Stage, town: Town) -> None:
        self._stage = stage
        self._town = town
        self._counts = {"kills": 0, "stops": 0, "full disks": 0}

    @property
    def told(self) -> str:
        """How many of each."""
        return ", ".join(f"{count} {name}" for name, count in self._counts.items())

    def upset(self, seconds: float, faults: Sequence[Callable[[], None]], watch: Watch | None = None) -> None:
        """For so long, one of them now and then."""
        deadline, chance = time.monotonic() + seconds, self._stage.chance
        due = time.monotonic() + chance.uniform(0, 2 * EVERY)
        while time.monotonic() < deadline:
            time.sleep(1)
            if watch is not None:
                watch.look(self._town.server.pid)
            self.empty_trash()
            if time.monotonic() >= due:
                chance.choice(faults)()
                self._stage.say(
                    f"soak: {self._town.done} transfers, {self.told}, {len(self._town.wrong)} findings"
                )
                due = time.monotonic() + chance.uniform(0, 2 * EVERY)

    def kill(self) -> None:
        """`kill -9`, and start again."""
        self._counts["kills"] += 1
        self._town.server.kill()
        self._town.server.restart()

    def stop(self) -> None:
        """SIGTERM, and start again."""
        self._counts["stops"] += 1
        if self._town.server.stop():
            self._town.wrong.append("the server did not end well at SIGTERM")
        self._town.server.restart()

    def empty_trash(self) -> None:
        """What was deleted does not fill the disk."""
        with suppress(*BROKEN):
            Tus(web_address(self._town.server)).ask("DELETE", "/api/v1/trash")

    def fill(self) -> None:
        """The disk is full for a while."""
        place = self._town.server.data_dir.parent
        if not place.is_mount():
            return
        self._counts["full disks"] += 1
        filler = place / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(MIB))
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        time.sleep(FULL)
        filler.unlink()


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A disk that can be filled; where none can be mounted, a folder."""
    place = folder / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "fileshare-soak", str(place)]
    mounted = (
        not os.geteuid()
        and shutil.which("mount") is not None
        and not subprocess.run(words, capture_output=True, check=False).returncode
    )
    try:
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
