"""Log lines: their shape, that nobody can forge one, and that a bad disk stops nothing."""

import io
import json
import logging
import queue
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fileshare import logs
from fileshare.logs import Logs, Origin, origin

SERVER = logging.getLogger("fileshare.server")


@pytest.fixture
def console() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def running(tmp_path: Path, console: io.StringIO) -> Iterator[Logs]:
    made = Logs(tmp_path)
    made.start()
    made.show_on(console)
    yield made
    if logging.getLogger().handlers and isinstance(logging.getLogger().handlers[0], logs.ToQueue):
        made.stop()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_one_line_holds_exactly_the_documented_fields(running: Logs, tmp_path: Path) -> None:
    with logs.on_behalf_of(account="ann", address="192.0.2.1", connection="c7"):
        SERVER.info("stored %s", "a/b.txt")
    running.stop()
    (line,) = lines(tmp_path / "server.log")
    assert list(line) == ["time", "level", "source", "message", "account", "address", "connection"]
    assert line["time"].endswith("Z")
    assert [line[key] for key in list(line)[1:]] == [
        "info",
        "server",
        "stored a/b.txt",
        "ann",
        "192.0.2.1",
        "c7",
    ]


@pytest.mark.parametrize(
    ("logger", "file"),
    [
        ("fileshare.server", "server.log"),
        ("fileshare.web", "web_server.log"),
        ("fileshare.database", "database.log"),
        ("aiohttp.server", "web_server.log"),
        ("asyncio", "server.log"),
    ],
)
def test_each_source_has_its_file(running: Logs, tmp_path: Path, logger: str, file: str) -> None:
    logging.getLogger(logger).error("here")
    running.stop()
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_size] == [file]


ATTACKS = [
    'x\n{"level": "info", "message": "forged"}',
    "x\r\nINFO server forged",
    "x\u2028forged",
    "x\x85forged",
    "x\x1b[2J\x1b[1;1Hforged",
    "x\u202egnp.exe",
    "x\x00\x7f",
    "x\ud800",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_name_cannot_forge_a_line(running: Logs, tmp_path: Path, console: io.StringIO, name: str) -> None:
    with logs.on_behalf_of(account=name, address=name, connection=name):
        SERVER.warning("no file %s", name)
    running.stop()
    (line,) = lines(tmp_path / "server.log")
    assert line["message"] == f"no file {name}"
    assert line["account"] == name
    (shown,) = console.getvalue().split("\n")[:-1]
    assert shown.isprintable()


def test_warning_of_a_library_that_quotes_a_client_forges_nothing(
    running: Logs, tmp_path: Path, console: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # what catches warnings has put its own in place
        logging.captureWarnings(True)
        warnings.warn("header: \x9b31m\nforged", UserWarning, stacklevel=1)
    running.stop()
    (line,) = lines(tmp_path / "server.log")
    assert "forged" in line["message"]
    assert "\x9b" not in console.getvalue()
    assert capsys.readouterr().err == ""


def test_long_message_is_cut(running: Logs, tmp_path: Path) -> None:
    SERVER.info("%s", "x" * 1_000_000)
    running.stop()
    assert (tmp_path / "server.log").stat().st_size < 2 * logs.LONGEST_MESSAGE


def test_origin_of_a_block_ends_with_it() -> None:
    with logs.on_behalf_of(address="192.0.2.1"):
        with logs.on_behalf_of(account="ann"):
            assert origin.get() == Origin("ann", "192.0.2.1", "")
        assert origin.get() == Origin("", "192.0.2.1", "")
    assert origin.get() == Origin()


def test_exception_is_told_with_its_trace_in_the_same_line(
    running: Logs, tmp_path: Path, console: io.StringIO
) -> None:
    try:
        raise ValueError("boom\x1b[2J\nforged")
    except ValueError:
        SERVER.exception("task failed")
    running.stop()
    (line,) = lines(tmp_path / "server.log")
    assert line["message"] == "task failed"
    assert "ValueError: boom" in line["trace"]
    assert "\x1b" not in console.getvalue()


def test_level_is_the_least_that_is_written(tmp_path: Path) -> None:
    quiet = Logs(tmp_path, level="warning")
    quiet.start()
    SERVER.info("not this")
    SERVER.warning("this")
    quiet.stop()
    assert [line["message"] for line in lines(tmp_path / "server.log")] == ["this"]


def test_files_are_rotated_by_size_and_the_oldest_goes(tmp_path: Path) -> None:
    small = Logs(tmp_path, size=2000, keep=2)
    small.start()
    for number in range(100):
        SERVER.info("line %s", number)
    small.stop()
    files = sorted(tmp_path.glob("server.log*"))
    assert [file.name for file in files] == ["server.log", "server.log.1", "server.log.2"]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert lines(tmp_path / "server.log")[-1]["message"] == "line 99"


def test_others_can_not_read_a_log(running: Logs, tmp_path: Path) -> None:
    SERVER.info("x")
    running.stop()
    assert (tmp_path / "server.log").stat().st_mode & 0o007 == 0


def test_disk_that_refuses_is_told_once_and_stops_nothing(
    running: Logs, tmp_path: Path, console: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "server.log").mkdir()
    for _ in range(3):
        SERVER.warning("still here")
    running.stop()
    assert console.getvalue().count("still here") == 3
    assert capsys.readouterr().err.count("can't be written") == 1


def test_slow_disk_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LONGEST_QUEUE", 2)
    entry = logs.ToQueue()
    for number in range(5):
        entry.handle(logging.LogRecord("fileshare.server", logging.INFO, "", 0, f"line {number}", None, None))
    assert entry.queue.qsize() == 2
    entry.queue.get()
    entry.handle(logging.LogRecord("fileshare.server", logging.INFO, "", 0, "line 5", None, None))
    entry.queue.get()
    last = entry.queue.get()
    assert last is not None
    assert last.getMessage() == "line 5 (after 3 lines that a slow disk made us drop)"
    with pytest.raises(queue.Empty):
        entry.queue.get_nowait()


def test_terminal_gets_rich_without_reading_markup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    coloured = Logs(tmp_path)
    coloured.start()
    coloured.show_on(terminal)
    SERVER.info("stored [bold]x[/bold]")
    coloured.stop()
    assert "stored [bold]x[/bold]" in terminal.getvalue()


def test_console_shows_only_what_comes_after_it(tmp_path: Path, console: io.StringIO) -> None:
    started = Logs(tmp_path)
    started.start()
    SERVER.info("before")
    started.show_on(console)
    SERVER.info("after")
    started.stop()
    assert "before" not in console.getvalue()
    assert "after" in console.getvalue()


def test_root_logger_is_given_back(running: Logs) -> None:
    before = logging.getLogger().handlers
    running.stop()
    assert not any(isinstance(handler, logs.ToQueue) for handler in before)
