"""The error tree: one class for each code, whatever other rings derive from it."""

from fileshare import errors
from fileshare.errors import ConnectionLost, error_classes


class Refined(ConnectionLost):
    """A finer case that some ring keeps for itself."""


def test_a_code_belongs_to_the_class_that_has_it_and_not_to_a_refinement() -> None:
    assert error_classes()["connection_lost"] is ConnectionLost
    assert Refined.code == "connection_lost"


def test_every_code_is_one_classes_own() -> None:
    mine = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.FileshareError)
    ]
    assert len({cls.code for cls in mine}) == len(mine)
    assert set(error_classes().values()) == set(mine)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = (errors.__doc__ or "").splitlines()
    for cls in error_classes().values():
        assert any(cls.__name__ in line and cls.code in line for line in drawn), cls.__name__
