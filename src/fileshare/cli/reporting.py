"""How `fileshare-client` tells people what happens: lines, or errors only (programs: see `events`).

What is asked for goes to standard output, remarks and errors to standard error. Text
from the server and names of files are escaped, so that none can move the cursor or
forge a line.
"""

import sys
import threading
import time
from typing import IO, Protocol

import msgspec

from fileshare.client.reports import Item, Outcome, Reporter, Silent, Summary
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

_LARGE = 1 << 20
"""Bytes from which on a file's beginning is worth a line."""


class Printer(Reporter, Protocol):
    """A reporter that can also tell the results of commands."""

    def say(self, text: str) -> None:
        """A sentence or line for a person."""
        ...

    def event(self, name: str, **fields: object) -> None:
        """The same for a program."""
        ...

    def entry(self, entry: m.EntryInfo) -> None:
        """A file or folder of the server's."""
        ...

    def error(self, error: FileshareError) -> None:
        """The command failed as a whole."""
        ...

    def interrupted(self, how_to_go_on: str) -> None:
        """Ctrl-C; the command that goes on, where one can."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


def printer_for(*, json: bool, quiet: bool) -> Printer:
    """The printer that the flags and the terminal ask for."""
    if json:
        from fileshare.cli.events import JsonPrinter

        return JsonPrinter(sys.stdout)
    if quiet:
        return QuietPrinter(sys.stdout, sys.stderr)
    if sys.stderr.isatty():
        from fileshare.cli.bars import BarsPrinter  # rich behind it is imported when a bar is worth it

        return BarsPrinter(sys.stdout, sys.stderr)
    return LinePrinter(sys.stdout, sys.stderr)


class QuietPrinter(Silent):
    """Errors, and what was explicitly asked for."""

    def __init__(self, out: IO[str], err: IO[str]) -> None:
        self._out = out
        self._err = err
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Quiet."""

    def event(self, name: str, **fields: object) -> None:
        """For programs only."""

    def entry(self, entry: m.EntryInfo) -> None:
        """A line; without its list a `list` would be pointless."""
        self._print(entry_line(entry, short=self._out.isatty()))

    def error(self, error: FileshareError) -> None:
        """One sentence."""
        self._remark(f"fileshare-client: {error.message}")

    def failed(self, path: str, error: FileshareError) -> None:
        """One sentence, with the file it is about where that isn't said."""
        about = "" if path and path in error.message else f"{path}: "
        self._remark(f"fileshare-client: {about}{error.message}")

    def interrupted(self, how_to_go_on: str) -> None:
        """How to go on."""
        self._remark("Interrupted." + (f" To go on: {how_to_go_on}" if how_to_go_on else ""))

    def close(self) -> None:
        """Nothing is held back."""

    def _print(self, text: str) -> None:
        self._write(text, self._out)

    def _remark(self, text: str) -> None:
        self._write(text, self._err)

    def _write(self, text: str, stream: IO[str]) -> None:
        from fileshare.cli.output import shown  # costs 15 ms, due when there is something to read

        with self._lock:
            print(shown(text), file=stream, flush=True)


class LinePrinter(QuietPrinter):
    """Plain lines, for logs and pipes."""

    def say(self, text: str) -> None:
        """As it is."""
        self._print(text)

    def note(self, text: str) -> None:
        """A remark."""
        self._remark(text)

    def start(self, item: Item, resumed_from: int) -> None:
        """Large files and resumed ones."""
        if resumed_from:
            self._remark(f"{_doing(item)} {item.path} from {in_words(resumed_from)} on")
        elif item.size is None or item.size >= _LARGE:
            self._remark(f"{_doing(item)} {item.path}")

    def retry(self, error: FileshareError, pause: float) -> None:
        """Why, and when it goes on."""
        self._remark(f"{error.message} Trying again in {pause:.1f} s.")

    def done(self, item: Item, outcome: Outcome) -> None:
        """One line a file."""
        self._print(outcome_line(item, outcome))

    def summary(self, summary: Summary) -> None:
        """One line at the end."""
        self._print(summary_line(summary))


def in_words(size: int) -> str:
    """Bytes in the unit that leaves up to four digits."""
    from fileshare.cli import output

    return output.in_words(size)


def entry_line(entry: m.EntryInfo, *, short: bool) -> str:
    """A file or folder as a line: size, time, digest (its beginning on a terminal), path."""
    digest = "" if entry.digest is msgspec.UNSET else str(entry.digest)
    size = "" if isinstance(entry.size, msgspec.UnsetType) else in_words(entry.size)
    width = 12 if short else 64
    name = entry.path + ("/" if entry.kind == "folder" else "")
    return f"{size:>12}  {moment(entry.modified)}  {digest[:width]:{width}}  {name}"


def moment(seconds: float) -> str:
    """A time as this machine's clock shows it; one that no calendar holds is told as a number."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OSError, OverflowError, ValueError):
        return f"{seconds:16.0f}"


def outcome_line(item: Item, outcome: Outcome) -> str:
    """What became of a file."""
    where = outcome.path if item.direction == "upload" else outcome.local
    if outcome.skipped:
        return f"{where}: {outcome.skipped}"
    if item.direction == "download":
        return f"fetched {where} ({in_words(outcome.size)})"
    other = f" instead of {item.path}, which is taken" if outcome.path != item.path else ""
    return f"stored {where}{other} ({in_words(outcome.size)}, version {outcome.version})"


def summary_line(summary: Summary) -> str:
    """The sums of a command."""
    verb = "stored" if summary.direction == "upload" else "fetched"
    parts = [f"{files_in_words(summary.files - summary.skipped)} {verb}"]
    if summary.skipped:
        parts.append(f"{summary.skipped} there already")
    if summary.failed:
        parts.append(f"{summary.failed} failed")
    line = ", ".join(parts)
    if not summary.moved:
        return line
    speed = in_words(round(summary.moved / max(summary.seconds, 0.001)))
    return f"{line}: {in_words(summary.moved)} moved in {summary.seconds:.1f} s, {speed}/s"


def files_in_words(count: int) -> str:
    """So many files."""
    return "1 file" if count == 1 else f"{count} files"


def _doing(item: Item) -> str:
    return "uploading" if item.direction == "upload" else "downloading"
