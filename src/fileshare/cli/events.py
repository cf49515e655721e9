"""How `fileshare-client --json` tells programs what happens: one object a line, versioned.

Standard output holds these and nothing else. docs/client.md lists them, and a test
compares.
"""

import threading
import time
from typing import IO

import msgspec

from fileshare.client.reports import Item, Outcome, Summary
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

EVENTS_VERSION = 1
"""Of the events' form: it rises when a field is taken away or means something else."""

_PROGRESS_SECONDS = 0.5
"""Between two progress events of one file: smooth for a bar, and no flood for a log."""


class JsonPrinter:
    """One event a line."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder()
        self._told: dict[Item, tuple[float, int]] = {}

    def event(self, name: str, **fields: object) -> None:
        """Print it; what is None is left out."""
        known = {key: _text(value) for key, value in fields.items() if value is not None}
        line = self._encoder.encode({"v": EVENTS_VERSION, "event": name, **known}).decode()
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()

    def say(self, text: str) -> None:
        """For people only."""

    def note(self, text: str) -> None:
        """A remark."""
        self.event("note", message=text)

    def entry(self, entry: m.EntryInfo) -> None:
        """A `file` event, of folders too (`kind`)."""
        self.event("file", **entry_fields(entry))

    def found(self, files: int, size: int) -> None:
        """The summary has the sums."""

    def start(self, item: Item, resumed_from: int) -> None:
        """Path, size, and from where."""
        self._told[item] = (time.monotonic(), resumed_from)
        self.event(
            "start",
            direction=item.direction,
            path=item.path,
            local=item.local,
            size=item.size,
            resumed_from=resumed_from,
        )

    def hashed(self, item: Item, count: int, total: int) -> None:
        """How much of what is at hand was hashed, now and then."""
        before, at = self._told.get(item, (0.0, 0))
        if count == total or time.monotonic() - before >= _PROGRESS_SECONDS:
            self._told[item] = (time.monotonic(), at)
            self.event("hash", path=item.path, hashed=count, total=total)

    def moved(self, item: Item, count: int) -> None:
        """How far it is, now and then."""
        before, at = self._told.get(item, (time.monotonic(), 0))
        if time.monotonic() - before >= _PROGRESS_SECONDS:
            before = time.monotonic()
            self.event("progress", path=item.path, bytes=at + count, size=item.size)
        self._told[item] = (before, at + count)

    def retry(self, error: FileshareError, pause: float) -> None:
        """Why, and when."""
        self.event("retry", code=error.code, message=error.message, pause=round(pause, 3))

    def done(self, item: Item, outcome: Outcome) -> None:
        """What became of it."""
        self._told.pop(item, None)
        self.event(
            "done",
            direction=item.direction,
            path=outcome.path,
            local=outcome.local,
            size=outcome.size,
            sha256=outcome.digest,
            version=outcome.version,
            seconds=round(outcome.seconds, 3),
            bytes_sent=outcome.moved if item.direction == "upload" else None,
            bytes_received=outcome.moved if item.direction == "download" else None,
            resumed_from=outcome.resumed_from,
            skipped=outcome.skipped or None,
        )

    def failed(self, path: str, error: FileshareError) -> None:
        """Code, sentence, path."""
        self.event("error", code=error.code, message=error.message, path=path)

    def error(self, error: FileshareError) -> None:
        """Code and sentence."""
        self.event("error", code=error.code, message=error.message)

    def interrupted(self, how_to_go_on: str) -> None:
        """As an error of its own."""
        self.event("error", code="interrupted", message="Interrupted.", go_on=how_to_go_on or None)

    def summary(self, summary: Summary) -> None:
        """The sums."""
        self.event(
            "summary",
            direction=summary.direction,
            files=summary.files,
            size=summary.size,
            bytes_sent=summary.moved if summary.direction == "upload" else None,
            bytes_received=summary.moved if summary.direction == "download" else None,
            skipped=summary.skipped,
            failed=summary.failed,
            seconds=round(summary.seconds, 3),
        )

    def close(self) -> None:
        """Nothing is held back."""


def entry_fields(entry: m.EntryInfo) -> dict[str, object]:
    """A file or folder as its event has it."""
    fields: dict[str, object] = {
        "path": entry.path,
        "kind": entry.kind,
        "size": entry.size,
        "modified": entry.modified,
        "sha256": entry.digest,
        "version": entry.version,
        "owner": entry.owner,
        "created": entry.created,
    }
    return {key: value for key, value in fields.items() if value is not msgspec.UNSET}


def _text(value: object) -> object:
    """Text that JSON can hold: names of local files may be in no known encoding."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
