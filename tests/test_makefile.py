"""`make` on a machine where something is missing: one sentence that says what to do."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def python_that(folder: Path, script: str) -> str:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            'case "$2" in *version_info*) exit 1;; esac; echo Python 3.9.2',
            r"fileshare needs Python 3\.11 or newer, and \S+ is Python 3\.9\.2: name a newer one",
        ),
        (
            'case "$2" in *ensurepip*) exit 1;; esac; exit 0',
            r"Python's venv module is missing: on Debian, apt-get install python3-venv",
        ),
    ],
    ids=["old", "without venv"],
)
def test_unfit_python_is_named_with_what_to_do(tmp_path: Path, script: str, sentence: str) -> None:
    done = make("serve", f"PYTHON={python_that(tmp_path, script)}", f"VENV={tmp_path}/venv")
    assert done.returncode != 0
    assert re.match(sentence, done.stderr)
    assert not (tmp_path / "venv").exists()


def test_missing_python_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = make("serve", f"PYTHON={tmp_path}/python3", f"VENV={tmp_path}/venv")
    assert done.returncode != 0
    assert "apt-get install python3 python3-venv" in done.stderr


def test_help_has_a_line_for_every_target() -> None:
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    shown = re.findall(r"^  make (\S+) +\S", make("help").stdout, re.MULTILINE)
    assert shown == targets
