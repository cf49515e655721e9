"""Versions: numbers rise, the current one stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.domain.versions import may_go, next_number

NUMBERS = st.sets(st.integers(1, 1000))


def test_the_first_version_is_number_one() -> None:
    assert next_number([]) == 1


@given(NUMBERS)
def test_the_next_number_is_above_all_others(numbers: set[int]) -> None:
    assert all(next_number(numbers) > number for number in numbers)


@given(NUMBERS.filter(bool), st.integers(1, 20))
def test_numbers_are_not_used_again_after_versions_went(numbers: set[int], keep: int) -> None:
    left = numbers - set(may_go(numbers, keep))
    assert next_number(left) == next_number(numbers)


@given(NUMBERS)
def test_zero_keeps_every_version(numbers: set[int]) -> None:
    assert list(may_go(numbers, 0)) == []


@given(NUMBERS, st.integers(1, 20))
def test_the_newest_stay_and_the_rest_goes(numbers: set[int], keep: int) -> None:
    gone = may_go(numbers, keep)
    left = numbers - set(gone)
    assert len(left) == min(keep, len(numbers))
    assert not gone or max(gone) < min(left)
    assert list(gone) == sorted(gone)


def test_a_negative_setting_is_a_mistake_not_a_deletion() -> None:
    with pytest.raises(ValueError, match="can't be kept"):
        may_go([1, 2, 3], -1)
