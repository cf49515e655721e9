import pytest

from fileshare.client.rate import Rate, parse_rate
from fileshare.errors import BadRequest


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1", 1),
        ("500K", 500 << 10),
        ("2M", 2 << 20),
        ("1.5m", 3 << 19),
        ("2MB/s", 2 << 20),
        ("1GiB", 1 << 30),
    ],
)
def test_rates_are_read_with_their_units(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "-1", "0", "2X", "1e9", "2 M B", "٣"])
def test_nonsense_is_no_rate(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_rate(text)


def test_a_limit_holds_over_many_pieces() -> None:
    clock = Clock()
    rate = Rate(1000, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        rate.take(100)
    assert 100.0 + 9.9 <= clock.now <= 100.0 + 10.1


def test_a_rest_does_not_save_up_a_burst() -> None:
    clock = Clock()
    rate = Rate(1000, clock=clock, sleep=clock.sleep)
    clock.now += 3600
    before = clock.now
    for _ in range(10):
        rate.take(1000)
    assert clock.now - before >= 9.8


def test_without_a_limit_nothing_waits() -> None:
    clock = Clock()
    rate = Rate(None, clock=clock, sleep=clock.sleep)
    rate.take(1 << 40)
    assert clock.now == 100.0
    assert rate.piece(1 << 20) == 1 << 20


def test_under_a_limit_pieces_are_small_but_never_empty() -> None:
    assert Rate(1 << 20).piece(1 << 20) == (1 << 20) // 20
    assert Rate(10).piece(1 << 20) == 1 << 10
