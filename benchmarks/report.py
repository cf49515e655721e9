"""A finished benchmark as values and as JSON: the machine, what was moved, every single measurement.

It must keep each raw row: medians are made from them later and never stored instead of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.machine import Machine
from benchmarks.plan import Load, Work


class Unreadable(Exception):
    """A file is missing or holds no report."""


@dataclass(frozen=True)
class Sample:
    """One measurement; seconds and bytes.

    `sync` is what a sync of the file system took right after the command; `durable` is both together, for
    everybody: who has synced before it said that it is done finds little left to sync.
    """

    run: int
    work: Work
    peer: str
    wall: float
    sync: float
    durable: float
    client_cpu: float
    server_cpu: float
    client_peak: int
    server_peak: int


@dataclass(frozen=True)
class Contestant:
    """A peer as it was measured; `start` is the seconds from its server's start until it accepted."""

    name: str
    version: str
    syncs_uploads: bool
    syncs_downloads: bool
    start: float


@dataclass(frozen=True)
class Part:
    """One of several invocations that a report was put together from."""

    began: int
    works: tuple[Work, ...]
    runs: int
    load_average: float


@dataclass(frozen=True)
class Report:
    """Everything that one benchmark found out; `began` in seconds since 1970."""

    began: int
    machine: Machine
    load: Load
    runs: int
    contestants: tuple[Contestant, ...]
    samples: tuple[Sample, ...]
    parts: tuple[Part, ...] = ()
    """What it was put together from; nothing where it was one invocation."""
    v: Literal[1] = 1


def write(report: Report, path: Path) -> None:
    """Write the report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read(path: Path) -> Report:
    """Read a report back; raises Unreadable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as problem:
        raise Unreadable(f"{path} is no report of a benchmark: {problem}") from None
