"""How slow a sender may be, whatever the door."""

from fileshare.services.pace import LEAST_BYTES, Pace


def test_who_brings_enough_in_time_has_all_of_it_again() -> None:
    pace = Pace(60)
    pace.waited(59)
    pace.came(LEAST_BYTES)
    assert pace.left == 60


def test_a_byte_now_and_then_buys_no_time() -> None:
    pace = Pace(60)
    for _ in range(6):
        pace.waited(10)
        pace.came(1)
    assert pace.left <= 0


def test_bytes_of_several_waits_count_together() -> None:
    pace = Pace(60)
    for _ in range(2):
        pace.waited(20)
        pace.came(LEAST_BYTES // 2)
    assert pace.left == 60
