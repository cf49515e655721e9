"""Progress bars on a terminal: a few files and the total, with speed and time left.

rich is imported by the thread that draws, and only once a transfer has lasted a moment:
transfers themselves only add to counters, so drawing never slows them down.
"""

import threading
import time
from typing import IO, TYPE_CHECKING

from fileshare.cli.output import shown
from fileshare.cli.reporting import LinePrinter, outcome_line, summary_line
from fileshare.client.reports import Item, Outcome, Summary
from fileshare.errors import FileshareError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 0.3
"""Seconds: what is over sooner needs no bar."""
_FRAME = 0.1
_LARGE = 1 << 20
_LONG = 1.0
_FILES_SHOWN = 5
"""Lines on the screen; many small files fly by in the total only."""


class _Moving:
    """How far one file is."""

    def __init__(self, size: int | None, at: int) -> None:
        self.size = size
        self.at = at
        self.hashed: tuple[int, int] | None = None
        self.changed = time.monotonic()

    def worth_a_line(self) -> bool:
        """Small files fly by; one that takes long for its size gets its line all the same."""
        return self.size is None or self.size >= _LARGE or time.monotonic() - self.changed > _LONG


class BarsPrinter(LinePrinter):
    """Bars while something moves, lines for what remains to be read."""

    def __init__(self, out: IO[str], err: IO[str]) -> None:
        super().__init__(out, err)
        self._moving: dict[Item, _Moving] = {}
        self._size = 0
        self._files = 0
        self._finished = 0
        self._sum = 0
        self._notes: list[str] = []
        self._drawer: _Drawer | None = None

    def found(self, files: int, size: int) -> None:
        """More to do."""
        with self._lock:
            self._files += files
            self._size += size
        self._draw()

    def start(self, item: Item, resumed_from: int) -> None:
        """A bar for it."""
        with self._lock:
            before = self._moving.get(item)
            self._sum += resumed_from - (before.at if before else 0)
            self._moving[item] = _Moving(item.size, resumed_from)
        self._draw()

    def hashed(self, item: Item, count: int, total: int) -> None:
        """A phase of its own."""
        with self._lock:
            moving = self._moving.setdefault(item, _Moving(item.size, 0))
            moving.hashed = (count, total) if count < total else None
        self._draw()

    def moved(self, item: Item, count: int) -> None:
        """Further."""
        with self._lock:
            self._sum += count
            moving = self._moving.get(item)
            if moving is not None:
                moving.at += count

    def retry(self, error: FileshareError, pause: float) -> None:
        """Above the bars."""
        self._above(f"{error.message} Trying again in {pause:.1f} s.")

    def done(self, item: Item, outcome: Outcome) -> None:
        """Only what is unexpected gets a line; the last of a single file comes with the summary."""
        with self._lock:
            moving = self._moving.pop(item, None)
            self._finished += 1
            if moving is None:
                self._sum += outcome.size
        if outcome.path != item.path or outcome.skipped or self._files <= _FILES_SHOWN:
            self._above(outcome_line(item, outcome))

    def failed(self, path: str, error: FileshareError) -> None:
        """Above the bars."""
        with self._lock:
            self._finished += 1
        about = "" if path and path in error.message else f"{path}: "
        self._above(f"fileshare-client: {about}{error.message}")

    def note(self, text: str) -> None:
        """Above the bars."""
        self._above(text)

    def summary(self, summary: Summary) -> None:
        """The sums, when the bars are gone."""
        self.close()
        if summary.files + summary.failed != 1:
            self._print(summary_line(summary))

    def interrupted(self, how_to_go_on: str) -> None:
        """The bars go first."""
        self.close()
        super().interrupted(how_to_go_on)

    def error(self, error: FileshareError) -> None:
        """The bars go first."""
        self.close()
        super().error(error)

    def close(self) -> None:
        """Take the bars away."""
        drawer, self._drawer = self._drawer, None
        if drawer is not None:
            drawer.stop()
        for text in self.notes():
            self._remark(text)

    def _draw(self) -> None:
        if self._drawer is None:
            self._drawer = _Drawer(self, self._err)

    def _above(self, text: str) -> None:
        if self._drawer is None:
            self._remark(text)
            return
        with self._lock:
            self._notes.append(text)

    # What the drawing thread reads

    def notes(self) -> list[str]:
        """Lines to print above the bars, once."""
        with self._lock:
            notes, self._notes = self._notes, []
        return notes

    def total(self) -> tuple[str, int, int]:
        """What to call the total, and its bytes: done and in all."""
        with self._lock:
            return f"{self._finished} of {self._files} files", self._sum, self._size

    def files(self) -> dict[Item, tuple[str, int, int | None]]:
        """The files to show, the longest on their way first: name, bytes done, bytes in all."""
        with self._lock:
            worth = [pair for pair in self._moving.items() if pair[1].worth_a_line()]
            shown_now = sorted(worth, key=lambda pair: pair[1].changed)[:_FILES_SHOWN]
            return {item: _bar_of(item, moving) for item, moving in shown_now}


def _bar_of(item: Item, moving: _Moving) -> tuple[str, int, int | None]:
    name = item.path.rpartition("/")[2]
    if moving.hashed is not None:
        return f"hashing {name}", *moving.hashed
    return name, moving.at, moving.size


class _Drawer:
    """The thread that draws."""

    def __init__(self, printer: BarsPrinter, err: IO[str]) -> None:
        self._printer = printer
        self._err = err
        self._over = threading.Event()
        self._tasks: dict[Item, TaskID] = {}
        self._thread = threading.Thread(target=self._run, name="bars", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the bars away; returns when the screen is free."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        if self._over.wait(_PATIENCE):
            return
        progress = _new_progress(self._err)
        total = progress.add_task("", total=None)
        with progress:
            while not self._over.wait(_FRAME):
                self._frame(progress, total)
            self._frame(progress, total)

    def _frame(self, progress: "Progress", total: "TaskID") -> None:
        for text in self._printer.notes():
            progress.console.print(shown(text), markup=False, highlight=False, soft_wrap=True)
        files = self._printer.files()
        for item in list(self._tasks):
            if item not in files:
                progress.remove_task(self._tasks.pop(item))
        for item, (name, done, size) in files.items():
            if item not in self._tasks:
                self._tasks[item] = progress.add_task(_name(name), total=size)
            progress.update(self._tasks[item], description=_name(name), completed=done, total=size)
        name, done, size = self._printer.total()
        progress.update(total, description=name, completed=done, total=size or None)
        progress.refresh()


def _name(text: str) -> str:
    """A name that can't be taken for markup, and leaves room for its bar."""
    from rich.markup import escape

    short = shown(text)
    return escape(short if len(short) <= 30 else short[:29] + "…")


def _new_progress(err: IO[str]) -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(file=err),
        auto_refresh=False,
        transient=True,
    )
