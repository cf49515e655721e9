"""`python -m tests`: what is in no part would never run, and what fails must be seen."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.__main__ import HERE, Part, Suite, parts


def said(name: str, script: str) -> Part:
    return Part(name, [sys.executable, "-c", script])


def failed(some: Sequence[Part]) -> list[str]:
    suite = Suite(some, 2)
    suite.run()
    return suite.failed


def test_every_test_is_in_one_part() -> None:
    run_by = [word for part in parts(HERE) for word in part.words if word.startswith(str(HERE))]
    files = [path for word in run_by for path in ([*Path(word).rglob("test_*.py")] or [Path(word)])]
    assert sorted(files) == sorted(HERE.rglob("test_*.py"))


def test_folder_that_nobody_has_named_runs_after_the_long_ones(tmp_path: Path) -> None:
    for name in ("a_new_one", "web", "browser"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "test_it.py").touch()
    (tmp_path / "data").mkdir()
    assert [part.name for part in parts(tmp_path)] == ["tests/browser", "tests/web", "tests/a_new_one"]


def test_one_failure_is_told_whole_and_the_others_run(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    three = (
        said("tests/a", "print('well')"),
        said("tests/b", "import sys; sys.stderr.write('why'); sys.exit(3)"),
        said("tests/c", "print('well, too')"),
    )
    assert failed(three) == ["tests/b"]
    reports = capfdbinary.readouterr().out.decode().split("\n######## ")[1:]
    assert sorted(reports) == ["tests/a\nwell\n", "tests/b\nwhy", "tests/c\nwell, too\n"]


def test_part_that_a_signal_ends_has_failed() -> None:
    assert failed([said("tests/a", "import os; os.kill(os.getpid(), 9)")]) == ["tests/a"]


WAITING = """
import signal, sys
try:
    with open(sys.argv[1], "w") as line:
        line.write(".")
    signal.pause()
except KeyboardInterrupt:
    print("cleaned up")
"""

SUITE = f"""
import sys
from tests.__main__ import Part, judge
words = [sys.executable, "-c", {WAITING!r}, sys.argv[1]]
sys.exit(judge([Part(name, words) for name in ("tests/a", "tests/b", "tests/c")], 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "by CI"])
def test_interrupt_ends_every_part_and_starts_no_more(tmp_path: Path, number: signal.Signals) -> None:
    line = tmp_path / "line"
    os.mkfifo(line)
    words = [sys.executable, "-c", SUITE, str(line)]
    with subprocess.Popen(words, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as suite:
        with line.open("rb", buffering=0) as started:
            count = 0
            while count < 2:  # at the end of a part's words the next one may not have begun its own
                count += len(started.read(1) or b"")
        suite.send_signal(number)
        told = suite.communicate(timeout=30)[0]
    assert suite.returncode == 130
    assert told.count("cleaned up") == 2
    assert "######## Interrupted" in told
    assert "tests/c" not in told
