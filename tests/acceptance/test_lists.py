"""A long LIST is excused by the idle server's at the same moment, and by nothing else."""

from tests.acceptance.lists import Stretch, judged

SHORT = Stretch(1.0, 1.01)


def test_a_long_list_fails() -> None:
    assert not judged("up", [SHORT, Stretch(2.0, 2.2)], [SHORT, Stretch(2.0, 2.01)]).passed


def test_a_long_list_fails_where_the_idle_server_stood_still_at_another_time() -> None:
    assert not judged("up", [SHORT, Stretch(2.0, 2.2)], [Stretch(3.0, 3.2)]).passed


def test_a_long_list_passes_where_the_idle_server_stood_still_too() -> None:
    row = judged("up", [SHORT, Stretch(2.0, 2.2)], [Stretch(2.1, 2.3)])
    assert row.passed
    assert "slowest 200" in row.measured  # and the clock's figure is told
