"""Medians, extremes and ratios."""

from dataclasses import replace

import pytest

from benchmarks.plan import Work
from benchmarks.summary import Spread, spread, summarise
from tests.benchmarks.rows import sample


def test_a_spread_holds_median_and_extremes_of_unordered_figures() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(median=2.0, least=1.0, most=3.0)


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    assert spread([4.0, 1.0, 2.0, 3.0]).median == 2.5


def test_one_slow_run_does_not_move_the_median() -> None:
    rows = [sample("a", wall, run=run) for run, wall in enumerate([1.0, 1.1, 60.0])]

    assert summarise(rows, Work.LARGE_UP, ["a"])[0].wall == Spread(1.1, 1.0, 60.0)


def test_ratios_compare_with_the_first_peer_named() -> None:
    rows = [sample("a", 2.0, sync=2.0), sample("b", 1.0, sync=5.0)]

    first, second = summarise(rows, Work.LARGE_UP, ["a", "b"])

    assert (first.wall_ratio, first.durable_ratio) == (1.0, 1.0)
    assert second.wall_ratio == pytest.approx(0.5)
    assert second.durable_ratio == pytest.approx(1.5)


def test_kinds_of_work_are_never_mixed() -> None:
    rows = [sample("a", 1.0), sample("a", 9.0, work=Work.SMALL_UP)]

    assert summarise(rows, Work.SMALL_UP, ["a"])[0].wall == Spread(9.0, 9.0, 9.0)


def test_a_peer_without_measurements_has_no_row() -> None:
    assert [row.peer for row in summarise([sample("b", 1.0)], Work.LARGE_UP, ["b", "c"])] == ["b"]


def test_without_measurements_of_the_reference_there_are_no_ratios() -> None:
    (row,) = summarise([sample("b", 1.0)], Work.LARGE_UP, ["a", "b"])

    assert (row.wall_ratio, row.durable_ratio) == (None, None)


def test_memory_is_the_highest_peak_of_all_runs() -> None:
    low = sample("a", 1.0)
    high = replace(low, run=1, client_peak=99, server_peak=1 << 40)

    (row,) = summarise([low, high], Work.LARGE_UP, ["a"])

    assert (row.client_peak, row.server_peak) == (low.client_peak, 1 << 40)
