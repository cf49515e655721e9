"""Turns in the line before the hash."""

import pytest

from fileshare.services.fair_queue import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    return [queue.take() for _ in range(len(queue))]


def test_one_group_is_served_in_order() -> None:
    queue = FairQueue[str](10, 10)
    for item in ("a1", "a2", "a3"):
        assert queue.put("a", item) is None
    assert drained(queue) == ["a1", "a2", "a3"]


def test_a_newcomer_waits_for_one_of_a_crowd_not_for_all() -> None:
    queue = FairQueue[str](10, 10)
    for item in ("a1", "a2", "a3", "a4"):
        queue.put("a", item)
    queue.put("b", "b1")
    assert drained(queue) == ["a1", "b1", "a2", "a3", "a4"]


def test_one_group_gets_no_more_than_its_share() -> None:
    queue = FairQueue[str](10, 2)
    assert [queue.put("a", item) for item in ("a1", "a2", "a3")] == [None, None, "a3"]
    assert len(queue) == 2


def test_a_crowd_gives_way_to_a_newcomer_when_all_is_full() -> None:
    queue = FairQueue[str](3, 3)
    for item in ("a1", "a2", "a3"):
        queue.put("a", item)
    assert queue.put("b", "b1") == "a3"
    assert drained(queue) == ["a1", "b1", "a2"]


def test_nobody_gives_way_to_one_who_has_as_much() -> None:
    queue = FairQueue[str](2, 2)
    queue.put("a", "a1")
    queue.put("b", "b1")
    assert queue.put("c", "c1") == "c1"
    assert queue.put("a", "a2") == "a2"


def test_an_empty_line_has_no_next() -> None:
    with pytest.raises(IndexError):
        FairQueue[str](1, 1).take()
