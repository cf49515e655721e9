"""The percentile is judged as it is; a stall is excused by the control process's own and by nothing else."""

from tests.acceptance.busy_lists import judged
from tests.acceptance.lists import Stretch

SHORT = [Stretch(number, number + 0.002) for number in range(100)]
STALL = Stretch(200.0, 200.2)


def verdicts(lists: list[Stretch], machine: list[Stretch]) -> list[bool]:
    return [row.passed for row in judged(lists, machine)]


def test_short_lists_pass() -> None:
    assert verdicts(SHORT, SHORT) == [True, True]


def test_one_long_list_in_two_hundred_is_a_stall_of_the_server() -> None:
    assert verdicts([*SHORT, *SHORT, STALL], SHORT) == [True, False]


def test_a_stall_is_excused_where_the_control_process_stalls_too() -> None:
    assert verdicts([*SHORT, *SHORT, STALL], [*SHORT, Stretch(200.1, 200.3)]) == [True, True]
    assert verdicts([*SHORT, *SHORT, STALL], [*SHORT, Stretch(300.1, 300.3)]) == [True, False]


def test_slow_lists_fail_whatever_the_machine_does() -> None:
    slow = [Stretch(number, number + 0.02) for number in range(100)]
    assert verdicts(slow, slow) == [False, True]
