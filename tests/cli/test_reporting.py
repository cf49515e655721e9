import io
import json
import threading

import pytest

from fileshare.cli.bars import BarsPrinter
from fileshare.cli.events import JsonPrinter
from fileshare.cli.reporting import LinePrinter, Printer, QuietPrinter, moment
from fileshare.client.reports import Item, Outcome, Summary
from fileshare.errors import ConnectionLost, NotFound
from fileshare.wire import messages as m

ITEM = Item(direction="upload", path="docs/a.bin", local="/home/a.bin", size=5 << 20)
OUTCOME = Outcome(
    path="docs/a_v2.bin",
    local="/home/a.bin",
    size=5 << 20,
    digest="ab" * 32,
    version=1,
    seconds=1.5,
    moved=3 << 20,
    resumed_from=2 << 20,
)
FETCHED = Item(direction="download", path="docs/a.bin", local="/home/a.bin", size=5 << 20)
ENTRY = m.EntryInfo(
    path="a", kind="file", modified=1.0, size=3, digest="cd" * 32, version=2, owner="anna", created=0.5
)
SUMMARY = Summary(direction="upload", files=3, size=30, moved=20, skipped=1, failed=1, seconds=2.0)


def play(printer: Printer) -> None:
    """A transfer with everything that can happen to it."""
    printer.found(3, 30)
    printer.start(ITEM, 2 << 20)
    printer.hashed(ITEM, 2 << 20, 2 << 20)
    printer.moved(ITEM, 1 << 20)
    printer.retry(ConnectionLost("The connection was lost."), 0.25)
    printer.done(ITEM, OUTCOME)
    printer.failed("b.txt", NotFound("There is no 'b.txt'."))
    printer.note("c is a symbolic link: left out")
    printer.summary(SUMMARY)
    printer.close()


def test_events_are_one_versioned_object_a_line() -> None:
    out = io.StringIO()
    play(JsonPrinter(out))
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert all(event["v"] == 1 for event in events)
    assert [event["event"] for event in events] == [
        "start", "hash", "retry", "done", "error", "note", "summary",
    ]  # fmt: skip
    done = events[3]
    assert done["path"] == "docs/a_v2.bin"
    assert done["sha256"] == "ab" * 32
    assert (done["bytes_sent"], done["resumed_from"], done["version"]) == (3 << 20, 2 << 20, 1)
    assert "bytes_received" not in done
    assert events[4]["code"] == "not_found"
    assert events[4]["path"] == "b.txt"
    assert events[2]["code"] == "connection_lost"


def test_a_download_tells_what_it_received() -> None:
    out = io.StringIO()
    JsonPrinter(out).done(FETCHED, OUTCOME)
    event = json.loads(out.getvalue())
    assert event["bytes_received"] == 3 << 20
    assert "bytes_sent" not in event


def test_progress_events_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    out = io.StringIO()
    printer = JsonPrinter(out)
    printer.start(ITEM, 100)
    for _ in range(100):
        now[0] += 0.1
        printer.moved(ITEM, 10)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    progress = [event["bytes"] for event in events if event["event"] == "progress"]
    assert 15 <= len(progress) <= 20
    assert progress == sorted(progress)
    assert progress[0] > 100


@pytest.mark.parametrize("name", ["bad\udcff", "\x1b[2J", "line\nbreak", "\u202egpj.exe", "\u2028"])
def test_no_name_can_break_a_line_of_json(name: str) -> None:
    out = io.StringIO()
    JsonPrinter(out).failed(name, NotFound())
    (line,) = out.getvalue().split("\n")[:-1]
    assert json.loads(line)["event"] == "error"


def test_an_entry_is_a_file_event() -> None:
    out = io.StringIO()
    JsonPrinter(out).entry(ENTRY)
    assert json.loads(out.getvalue()) == {
        "v": 1,
        "event": "file",
        "path": "a",
        "kind": "file",
        "size": 3,
        "modified": 1.0,
        "sha256": "cd" * 32,
        "version": 2,
        "owner": "anna",
        "created": 0.5,
    }


def test_lines_tell_results_on_one_stream_and_remarks_on_the_other() -> None:
    out, err = io.StringIO(), io.StringIO()
    play(LinePrinter(out, err))
    assert out.getvalue().splitlines()[0] == (
        "stored docs/a_v2.bin instead of docs/a.bin, which is taken (5.0 MiB, version 1)"
    )
    assert "2 files stored, 1 there already, 1 failed" in out.getvalue()
    assert "Trying again in 0.2 s" in err.getvalue()
    assert "symbolic link" in err.getvalue()
    assert "from 2.0 MiB on" in err.getvalue()


def test_quiet_tells_errors_only() -> None:
    out, err = io.StringIO(), io.StringIO()
    play(QuietPrinter(out, err))
    assert out.getvalue() == ""
    assert err.getvalue() == "fileshare-client: There is no 'b.txt'.\n"


def test_quiet_still_lists() -> None:
    out = io.StringIO()
    QuietPrinter(out, io.StringIO()).entry(ENTRY)
    assert out.getvalue().rstrip().endswith("a")
    assert "cd" * 32 in out.getvalue()


@pytest.mark.parametrize("name", ["\x1b[2J\x1b[H", "a\rb", "a\nb", "\u202egpj.exe", "\x9b31m"])
def test_no_name_from_a_server_can_move_the_cursor(name: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    printer = LinePrinter(out, err)
    printer.entry(m.EntryInfo(path=name, kind="file", modified=0.0))
    printer.failed(name, NotFound(name))
    printer.note(name)
    printer.say(name)
    printer.error(NotFound(name))
    for text in (out.getvalue(), err.getvalue()):
        assert all(char.isprintable() or char == "\n" for char in text)
    assert out.getvalue().count("\n") == 2
    assert err.getvalue().count("\n") == 3


@pytest.mark.parametrize("seconds", [2.0**40, -(2.0**40), 0.0, 1.7e9])
def test_any_time_can_be_told(seconds: float) -> None:
    assert moment(seconds)


def test_interrupting_says_how_to_go_on() -> None:
    err = io.StringIO()
    LinePrinter(io.StringIO(), err).interrupted("fileshare-client resume x")
    assert err.getvalue() == "Interrupted. To go on: fileshare-client resume x\n"
    out = io.StringIO()
    JsonPrinter(out).interrupted("fileshare-client resume x")
    event = json.loads(out.getvalue())
    assert (event["code"], event["go_on"]) == ("interrupted", "fileshare-client resume x")


def test_bars_of_a_short_transfer_never_appear() -> None:
    out, err = io.StringIO(), io.StringIO()
    play(BarsPrinter(out, err))
    assert "docs/a_v2.bin" in err.getvalue()
    assert "\x1b" not in err.getvalue()


def test_bars_show_files_total_and_hashing_and_escape_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.cli.bars._PATIENCE", 0.0)
    monkeypatch.setattr("fileshare.cli.bars._FRAME", 0.01)
    monkeypatch.setenv("COLUMNS", "120")
    drawn = threading.Event()
    err = Screen(drawn, ["[red]hack", "hashing h.bin", "1 of 2 files"])
    printer = BarsPrinter(io.StringIO(), err)
    evil = Item(direction="upload", path="x/[red]hack\x1b[2J", local="l", size=100 << 20)
    hashing = Item(direction="upload", path="h.bin", local="l", size=100 << 20)
    printer.found(2, 200 << 20)
    printer.done(ITEM, OUTCOME)
    printer.start(evil, 10)
    printer.moved(evil, 40)
    printer.hashed(hashing, 5, 100)
    assert drawn.wait(20)
    printer.note("a \x1b[2J note")
    printer.summary(SUMMARY)
    assert "\x1b[2J" not in err.getvalue()
    assert "note" in err.getvalue()


class Screen(io.StringIO):
    """A terminal that tells when everything that was waited for has been drawn."""

    def __init__(self, drawn: threading.Event, awaited: list[str]) -> None:
        super().__init__()
        self._drawn = drawn
        self._awaited = awaited

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        if all(word in self.getvalue() for word in self._awaited):
            self._drawn.set()
        return count
