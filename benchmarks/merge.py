"""Several invocations as one report: each kind of work comes whole from one of them.

It must never mix rows of one kind from two invocations: only what took turns in the same
minutes may be compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.plan import Work
from benchmarks.report import Contestant, Part, Report


class NotAlike(Exception):
    """The reports can't stand in one."""


def merged(reports: Sequence[Report]) -> Report:
    """Return one report of all; raises NotAlike where they differ in more than their kinds of work."""
    first, *others = reports
    for other in others:
        _compare(first, other)
    parts = tuple(_part(report) for report in reports)
    measured = [work for part in parts for work in part.works]
    if twice := {str(work) for work in measured if measured.count(work) > 1}:
        raise NotAlike(f"more than one of them measured {', '.join(sorted(twice))}")
    if not others:
        return first
    return replace(
        first,
        load=replace(first.load, only=tuple(work for work in Work if work in measured)),
        runs=min(report.runs for report in reports),
        contestants=_contestants(reports),
        samples=tuple(sample for report in reports for sample in report.samples),
        parts=parts,
    )


def _compare(one: Report, other: Report) -> None:
    """The same sizes on the same machine; other work beside it may differ, and is told."""
    if replace(one.load, only=()) != replace(other.load, only=()):
        raise NotAlike("they moved different sizes or numbers")
    if replace(one.machine, load_average=0.0) != replace(other.machine, load_average=0.0):
        raise NotAlike("they were made on different machines")


def _part(report: Report) -> Part:
    done = {sample.work for sample in report.samples}
    works = tuple(work for work in Work if work in done)
    return Part(report.began, works, report.runs, report.machine.load_average)


def _contestants(reports: Iterable[Report]) -> tuple[Contestant, ...]:
    """Everybody once; raises NotAlike where a version changed in between."""
    found: dict[str, Contestant] = {}
    for report in reports:
        for one in report.contestants:
            if found.setdefault(one.name, one).version != one.version:
                raise NotAlike(f"{one.name} was not the same version in all of them")
    return tuple(found.values())
