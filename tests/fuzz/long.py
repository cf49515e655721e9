"""A target for many seconds: by mutation of good input, or by atheris, which looks at what it reaches."""

import importlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from tests.acceptance.report import Row
from tests.fuzz.mutations import spoil
from tests.fuzz.targets import TARGETS

HANG_SECONDS = 1
CHECK = "nothing raises, nothing takes over 1 s"
LONGEST = 4096
"""Bytes of one input of atheris: every limit that is short enough to be met lies below."""


def has_atheris() -> bool:
    """Whether it is installed; its wheels serve a few versions of Python alone."""
    return importlib.util.find_spec("atheris") is not None


def by_mutation(name: str, seconds: float, seed: int) -> Row:
    """Mutations of good input, and of what they made, for so many seconds."""
    target, good = TARGETS[name]
    chance, slowest, tried = random.Random(f"{seed} {name}"), 0.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = spoil(chance, chance.choice(good))
        began = time.thread_time()
        try:
            target(data)
        except Exception as error:
            return Row(f"fuzz {name}", CHECK, f"{type(error).__name__}: {error} by {data[:2000]!r}", False)
        slowest, tried = max(slowest, time.thread_time() - began), tried + 1
    measured = f"{tried} by mutation, slowest {slowest * 1000:.1f} ms"
    return Row(f"fuzz {name}", CHECK, measured, slowest < HANG_SECONDS)


def by_atheris(name: str, seconds: int, seed: int) -> Row:
    """In a process of its own, since libFuzzer ends the one it runs in."""
    with tempfile.TemporaryDirectory(prefix="fileshare-fuzz-") as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, good in enumerate(TARGETS[name][1]):
            (corpus / str(number)).write_bytes(good)
        words = [sys.executable, "-m", "tests.fuzz.long", name, str(corpus), f"-artifact_prefix={folder}/"]
        words += [f"-max_total_time={seconds}", f"-seed={seed % 2**31 or 1}", f"-timeout={HANG_SECONDS * 10}"]
        words += [f"-max_len={LONGEST}", "-print_final_stats=1"]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ})
        kept = [one.read_bytes()[:2000] for one in Path(folder).glob("*-*") if one.is_file()]
    runs = re.search(r"number_of_executed_units: (\d+)", ran.stderr)
    good_end = ran.returncode == 0 and not kept
    measured = f"{runs[1] if runs else 'some'} by atheris" if good_end else f"{kept or ran.stderr[-2000:]}"
    return Row(f"fuzz {name}", CHECK, measured, good_end)


def _instrument(atheris: Any, module: ModuleType) -> None:
    """Have atheris see which way our own functions go; those that it can't take stay as they are."""
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            with suppress(Exception):
                setattr(module, name, atheris.instrument_func(value))


def _child() -> None:
    atheris = importlib.import_module("atheris")
    name = sys.argv.pop(1)
    warnings.simplefilter("ignore")
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("fileshare."):
            _instrument(atheris, module)
    atheris.Setup(sys.argv, TARGETS[name][0])
    atheris.Fuzz()


if __name__ == "__main__":
    _child()
