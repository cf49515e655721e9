import pytest

from fileshare.cli import exits
from fileshare.errors import ConnectionLost, FileshareError, NotFound, error_classes


def test_every_error_has_a_number_and_every_number_an_error() -> None:
    assert set(exits.EXITS) == set(error_classes())


def test_the_numbers_are_the_documented_ones() -> None:
    assert set(exits.EXITS.values()) == {1, 2, 3, 4, 5, 6, 7, 8, 9}


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("auth_required", 3),
        ("auth_failed", 3),
        ("too_many_attempts", 3),
        ("not_found", 4),
        ("digest_mismatch", 5),
        ("source_changed", 5),
        ("connection_lost", 6),
        ("no_space", 7),
        ("forbidden", 8),
        ("conflict", 9),
        ("superseded", 9),
        ("bad_name", 2),
    ],
)
def test_numbers_that_scripts_rely_on(code: str, number: int) -> None:
    assert exits.EXITS[code] == number


def test_a_code_of_a_newer_server_is_1() -> None:
    error = FileshareError()
    vars(error)["code"] = "newer"
    assert exits.exit_of(error) == 1


def test_of_several_some_failed_is_10_and_all_alike_is_their_own() -> None:
    assert exits.exit_of_all([], 3) == 0
    assert exits.exit_of_all([NotFound()], 1) == 10
    assert exits.exit_of_all([NotFound()], 0) == 4
    assert exits.exit_of_all([NotFound(), NotFound()], 0) == 4
    assert exits.exit_of_all([NotFound(), ConnectionLost()], 0) == 10
