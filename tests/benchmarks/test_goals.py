"""Verdicts on the goals: only on what was measured, and by enough runs."""

from benchmarks import goals
from benchmarks.goals import Goal, Verdict
from benchmarks.plan import Work
from benchmarks.report import Report, Sample
from benchmarks.table import render
from tests.acceptance.__main__ import CHECKS
from tests.benchmarks import rows

FASTEST = Goal(Work.LARGE_UP, 1.0)
AGAINST_SCP = Goal(Work.LARGE_UP, 0.45, ("scp",))


def runs(peer: str, wall: float, *, sync: float = 0.0, number: int = 5) -> list[Sample]:
    return [rows.sample(peer, wall, sync=sync, run=run) for run in range(number)]


def verdict(goal: Goal, report: Report) -> Verdict:
    return next(one for one in goals.judge(report) if one.goal == goal)


def test_a_goal_compares_what_is_on_disk() -> None:
    found = verdict(FASTEST, rows.report(*runs("fileshare", 1.0), *runs("rsync", 0.8, sync=0.4)))

    assert found.text == "met"
    assert found.measured == 1.0 / 1.2000000000000002
    assert found.wall == 1.0 / 0.8


def test_the_best_peer_is_found_and_named() -> None:
    found = verdict(FASTEST, rows.report(*runs("fileshare", 1.0), *runs("scp", 3.0), *runs("nginx", 0.9)))

    assert found.against == "the best peer (nginx)"
    assert found.text == "missed"


def test_a_goal_against_a_named_peer_heeds_no_other() -> None:
    found = verdict(AGAINST_SCP, rows.report(*runs("fileshare", 1.0), *runs("scp", 2.5), *runs("nginx", 0.1)))

    assert (found.measured, found.text) == (0.4, "met")


def test_few_runs_are_no_proof() -> None:
    found = verdict(AGAINST_SCP, rows.report(*runs("fileshare", 1.0), *runs("scp", 9.0, number=3)))

    assert found.text == "met, by 3 of 5 runs"


def test_nothing_is_met_that_was_not_measured() -> None:
    for report in (rows.report(*runs("fileshare", 1.0)), rows.report(*runs("scp", 1.0))):
        assert all(found.text == "not measured" for found in goals.judge(report))


def test_the_table_names_every_goal_and_where_the_others_are_measured() -> None:
    text = render(rows.report(*runs("fileshare", 1.0), *runs("scp", 9.0))).split("### Goals")[1]

    assert text.count("\n| ") >= 1 + len(goals.GOALS) + len(goals.ELSEWHERE)
    assert "1,000 idle connections" in text
    assert "make acceptance ARGS='--only idle'" in text
    assert "≤ 0.45 × scp" in text


def test_what_is_measured_elsewhere_is_measured_by_a_check_of_that_name() -> None:
    checks = {check.name for check in CHECKS}

    assert {where for _, _, where in goals.ELSEWHERE} <= checks
