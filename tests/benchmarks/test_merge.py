"""Several invocations in one report: whole kinds of work, on one machine, of one size."""

from dataclasses import replace

import pytest

from benchmarks.merge import NotAlike, merged
from benchmarks.plan import Work
from benchmarks.report import Report
from benchmarks.table import render
from tests.benchmarks import rows


def of(work: Work, *peers: str, runs: int = 5) -> Report:
    samples = [rows.sample(peer, 1.0, work=work, run=run) for run in range(runs) for peer in peers]
    made = rows.report(*samples)
    return replace(made, load=replace(made.load, only=(work,)), runs=runs)


UP, DOWN = of(Work.LARGE_UP, "a", "b"), of(Work.SMALL_DOWN, "a", "c", runs=6)


def test_each_kind_of_work_comes_whole_from_one_of_them() -> None:
    found = merged([DOWN, UP])

    assert found.load.works() == (Work.LARGE_UP, Work.SMALL_DOWN)
    assert found.samples == DOWN.samples + UP.samples
    assert [one.name for one in found.contestants] == ["a", "c", "b"]
    assert found.runs == 5
    text = render(found)
    assert "Measured together in 6 runs: small-down" in text
    assert "Measured together in 5 runs: large-up" in text


def test_a_single_report_stays_as_it_is() -> None:
    assert merged([UP]) == UP


def test_rows_of_one_kind_from_two_invocations_are_refused() -> None:
    with pytest.raises(NotAlike, match="more than one of them measured large-up"):
        merged([UP, UP])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(DOWN, load=replace(DOWN.load, files=9)), "different sizes"),
        (replace(DOWN, machine=replace(DOWN.machine, cores=64)), "different machines"),
        (
            replace(DOWN, contestants=tuple(replace(one, version="9") for one in DOWN.contestants)),
            "a was not the same version",
        ),
    ],
)
def test_what_can_not_be_compared_is_not_put_together(other: Report, why: str) -> None:
    with pytest.raises(NotAlike, match=why):
        merged([UP, other])


def test_another_load_of_the_machine_is_told_and_not_refused() -> None:
    busy = replace(DOWN, machine=replace(DOWN.machine, load_average=3.0))

    assert "load average before 3.00" in render(merged([UP, busy]))
