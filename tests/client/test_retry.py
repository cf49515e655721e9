import pytest

from fileshare.client.retry import LONGEST_PAUSE, Patience, retryable
from fileshare.errors import (
    AuthFailed,
    ConnectionLost,
    DigestMismatch,
    FileshareError,
    Forbidden,
    NoSpace,
    NotFound,
    ProtocolError,
    SourceChanged,
    Superseded,
    TooManyAttempts,
    Unavailable,
    UploadBusy,
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def short_pauses() -> None:
    """This one is about the real pauses."""


@pytest.mark.parametrize("error", [ConnectionLost(), Unavailable(), UploadBusy()])
def test_what_time_can_mend_is_tried_again(error: FileshareError) -> None:
    assert retryable(error)


@pytest.mark.parametrize(
    "error",
    [
        AuthFailed(),
        TooManyAttempts(5),
        Superseded(),
        DigestMismatch(),
        SourceChanged(),
        Forbidden(),
        NotFound(),
        NoSpace(),
        ProtocolError(),
    ],
)
def test_what_another_try_cannot_mend_comes_out_at_once(error: FileshareError) -> None:
    with pytest.raises(type(error)):
        Patience(1000).pause_for(error)


def test_pauses_grow_up_to_half_a_minute() -> None:
    patience = Patience(10_000, clock=Clock(), chance=lambda: 0.5)
    pauses = [patience.pause_for(ConnectionLost()) for _ in range(12)]
    assert pauses[0] == pytest.approx(0.2)
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_jitter_keeps_many_clients_from_coming_at_once() -> None:
    low = Patience(100, chance=lambda: 0.0).pause_for(ConnectionLost())
    high = Patience(100, chance=lambda: 1.0).pause_for(ConnectionLost())
    assert high > 2 * low


def test_progress_makes_the_next_failure_a_first_one() -> None:
    patience = Patience(10_000, clock=Clock(), chance=lambda: 0.5)
    for _ in range(8):
        patience.pause_for(ConnectionLost())
    patience.progress()
    assert patience.pause_for(ConnectionLost()) == pytest.approx(0.2)


def test_gives_up_after_the_agreed_time_without_progress() -> None:
    clock = Clock()
    patience = Patience(60, clock=clock, chance=lambda: 0.5)
    clock.now = 59.0
    patience.pause_for(ConnectionLost())
    clock.now = 61.0
    with pytest.raises(ConnectionLost):
        patience.pause_for(ConnectionLost())
