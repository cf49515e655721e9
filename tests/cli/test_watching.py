"""How long jobs are watched."""

import io

import pytest
from rich.console import Console

from fileshare.cli import job_bars
from fileshare.cli.job_bars import JobBars
from fileshare.cli.watching import LINE_SECONDS, watching
from fileshare.services.tally import Progress


def test_without_a_terminal_a_line_comes_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with watching() as watch:
        show = watch.phase("Verifying")
        for done in range(1000):
            show(Progress(done, 1000, done * 1024, "a"))
        now += LINE_SECONDS
        show(Progress(1000, None, 1 << 20, "b"))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Verifying: 0 of 1000, 0 bytes\nVerifying: 1000, 1.0 MiB\n")


def test_bar_shows_the_end_of_a_path_and_no_escape_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        job_bars,
        "Console",
        lambda **_: Console(file=screen, force_terminal=True, width=120, color_system=None),
    )
    with JobBars() as bars:
        show = bars.phase("Copying")
        show(Progress(1, 2, 2048, "a/very/long/path/that/ends/in/[bold]red\x1b[31m.txt"))
    shown = screen.getvalue()
    assert "Copying" in shown
    assert "1/2" in shown
    assert "2.0 KiB" in shown
    assert "[bold]red\\x1b[31m.txt" in shown
