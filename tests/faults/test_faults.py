"""A part of `make faults` that takes seconds: every operation, each mishap at some k, and some deaths."""

import itertools
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from fileshare.storage.part_file import PartFile
from tests.faults.mishaps import Forgets, survived
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.trial import Rehearsal, rehearse, trial
from tests.storage.conftest import RAM

EVERY = 6
"""Each so-many-th k, with the next mishap each time."""

LEAST = 6
"""Trials of an operation; after that it ends where a mishap finds no call any more."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Holds nothing but the folder of a trial, since all calls below it count."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def rehearsed(operation: Operation, tmp_path: Path) -> Rehearsal:
    (tmp_path / "apart").mkdir()
    return rehearse(operation, tmp_path / "apart" / "template")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_nothing_told_is_lost_whatever_fails(operation: Operation, tmp_path: Path, place: Path) -> None:
    rehearsal, findings = rehearsed(operation, tmp_path), list[str]()
    first = OPERATIONS.index(operation)
    mishaps = survived()[first % len(survived()) :] + survived()
    for number, make in zip(itertools.count(), itertools.cycle(mishaps)):
        came, found = trial(rehearsal, place / "data", make(), 1 + first % EVERY + number * EVERY)
        findings += found
        if not came and number >= LEAST:
            break
    assert not findings


@pytest.mark.skipif(sys.platform != "linux", reason="forks and descriptors are looked at as Linux has them")
def test_nothing_told_is_lost_by_kills() -> None:
    assert re.search(r"0 of (2\d|30) +pass", few("--only", "kills", "--count", "20"))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a server has read")
def test_nothing_told_is_lost_by_bad_lines_rotten_blobs_and_stops() -> None:
    told = few("--only", "network", "rot", "stop", "--count", "4")
    assert "SIGTERM amid 4 transfers" in told
    assert "bit rot" in told


@pytest.mark.skipif(sys.platform != "linux", reason="calls below SQLite are caught as Linux has them")
def test_nothing_told_is_lost_by_errors_below_sqlite() -> None:
    told = few("--only", "below", "upload-whole", "--count", "1", code=None)
    if "0 of 0: " in told:
        pytest.skip("there is no C compiler")
    assert re.search(r"below SQLite: upload-whole +every k of 11 mishaps: none +0 of \d+ +pass", told)


def few(*words: str, code: int | None = 0) -> str:
    """What a run of a few trials prints. It must end well, unless None is expected."""
    command = [sys.executable, "-m", "tests.faults", "--seed", "1", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_sync_that_lies_is_found_out(tmp_path: Path, place: Path) -> None:
    """The harness itself: a part that tries a failed sync again tells of bytes that are not there."""

    def forgiving(part: PartFile, error: Exception) -> None:
        pass

    (upload,) = [operation for operation in OPERATIONS if operation.name == "upload-large"]
    rehearsal, findings = rehearsed(upload, tmp_path), list[str]()
    with (
        patch.object(PartFile, "be_poisoned", forgiving),
        patch.object(PartFile, "cut_back", lambda part: None),
    ):
        for k in (1, 2, 3):
            findings += trial(rehearsal, place / "data", Forgets(), k)[1]
    assert any("damaged" in finding for finding in findings)


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Path]:
    """In memory where that is possible: what is tried here doesn't depend on the disk."""
    if not RAM.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=RAM, prefix="fileshare-faults-") as folder:
        yield Path(folder)
