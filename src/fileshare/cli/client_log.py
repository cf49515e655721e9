"""`client.log` in the state folder: what was transferred, what failed, what was tried again.

Stands between a transfer and its printer. Logging is imported with the first line that
is worth writing, long after the first byte went to the server.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fileshare.client.reports import Item, Outcome, Reporter, Summary
from fileshare.errors import FileshareError

if TYPE_CHECKING:
    from logging import Logger

    from fileshare.logs import Logs

FILE = "client.log"
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_LARGE = 1 << 20
"""Bytes: ten thousand small files are one line, their summary, unless the level is debug."""


class Logged:
    """A reporter that also writes the log."""

    found: Callable[[int, int], None]
    start: Callable[[Item, int], None]
    hashed: Callable[[Item, int, int], None]
    moved: Callable[[Item, int], None]

    def __init__(self, printer: Callable[[], Reporter], folder: str, level: str) -> None:
        """`printer` makes the one that is told everything; it is made when there is something to tell."""
        self._make = printer
        self._folder = folder
        self._level = level
        self._logs: Logs | None = None
        self._logger: Logger | None = None
        self._broken = False
        self.told: FileshareError | None = None
        """The last error of a single file, which need not be told again as the command's."""

    def __getattr__(self, name: str) -> object:
        """The busiest calls go straight through: from the second on they are the printer's own."""
        if name not in ("found", "start", "hashed", "moved"):
            raise AttributeError(name)
        through = getattr(self._make(), name)
        setattr(self, name, through)
        return through

    def log(self, level: str, message: str, *values: object) -> None:
        """Write a line, where the level asks for it. A log that can't be written stops nothing."""
        if _LEVELS[level] < _LEVELS[self._level] or self._broken:
            return
        if self._logger is None:
            self._open()
        if self._logger is not None:
            self._logger.log(_LEVELS[level], message, *values)

    def _open(self) -> None:
        import logging
        from pathlib import Path

        from fileshare.logs import Logs

        logs = Logs(Path(self._folder), {"client": FILE}, level=self._level)
        try:
            logs.start()
        except OSError:
            self._broken = True
            return
        self._logs = logs
        self._logger = logging.getLogger("fileshare.client")

    def retry(self, error: FileshareError, pause: float) -> None:
        """A warning."""
        self.log("warning", "%s Trying again in %.1f s.", error.message, pause)
        self._make().retry(error, pause)

    def done(self, item: Item, outcome: Outcome) -> None:
        """A line for a large file."""
        self.log(
            "info" if outcome.size >= _LARGE else "debug",
            "%s of %s done: version %d, %d bytes, %d moved, from %d on, %.3f s",
            item.direction,
            outcome.path,
            outcome.version,
            outcome.size,
            outcome.moved,
            outcome.resumed_from,
            outcome.seconds,
        )
        self._make().done(item, outcome)

    def failed(self, path: str, error: FileshareError) -> None:
        """An error."""
        self.told = error
        self.log("error", "%s failed: %s", path, error.message)
        self._make().failed(path, error)

    def note(self, text: str) -> None:
        """A line."""
        self.log("info", "%s", text)
        self._make().note(text)

    def summary(self, summary: Summary) -> None:
        """A line."""
        self.log(
            "info",
            "%s: %d files, %d bytes moved, %d there already, %d failed, %.3f s",
            summary.direction,
            summary.files,
            summary.moved,
            summary.skipped,
            summary.failed,
            summary.seconds,
        )
        self._make().summary(summary)

    def close(self) -> None:
        """Write what waits, and close the file."""
        logs, self._logs = self._logs, None
        if logs is not None:
            logs.stop()
