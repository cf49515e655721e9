"""Given back is what the next connections find free, and every descriptor."""

from tests.acceptance.idle_connections import MIB, _back
from tests.acceptance.resources import Held


def held(mib: int, descriptors: int) -> Held:
    return Held(mib * MIB, mib * MIB, descriptors)


BEFORE, FULL = held(50, 20), held(100, 1020)


def test_memory_that_the_next_ones_use_again_is_given_back() -> None:
    assert _back("", BEFORE, [FULL, held(102, 1020)], [held(95, 20)] * 2).passed


def test_memory_that_is_taken_anew_each_time_is_not() -> None:
    assert not _back("", BEFORE, [FULL, held(110, 1020)], [held(95, 20)] * 2).passed


def test_a_descriptor_that_stays_is_lost() -> None:
    assert not _back("", BEFORE, [FULL, FULL], [held(50, 21)] * 2).passed
