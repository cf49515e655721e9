"""Measurements made up for tests, so that each test names only what it is about."""

from benchmarks.machine import Machine
from benchmarks.plan import Load, Work
from benchmarks.report import Contestant, Report, Sample

LOAD = Load(size=1 << 30, files=10_000, file_size=4096, folders=100)
MACHINE = Machine(2, "Some Processor", 8 << 30, "Some System 1", "6.1", "ext4", "3.11.2", 0.04)


def sample(peer: str, wall: float, *, sync: float = 0.0, work: Work = Work.LARGE_UP, run: int = 0) -> Sample:
    return Sample(run, work, peer, wall, sync, wall + sync, 0.1, 0.2, 10 << 20, 20 << 20)


def contestant(name: str) -> Contestant:
    return Contestant(name, f"{name} 1.0", syncs_uploads=False, syncs_downloads=False, start=0.25)


def report(*samples: Sample, machine: Machine = MACHINE) -> Report:
    names = dict.fromkeys(sample.peer for sample in samples)
    return Report(1_750_000_000, machine, LOAD, 3, tuple(map(contestant, names)), samples)
