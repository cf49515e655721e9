"""Columns of numbers as the database keeps them: the lowest byte first, whatever the processor."""

import sys
from array import array
from collections.abc import Iterable
from typing import TypeAlias

Column: TypeAlias = "array[int]"


def to_bytes(code: str, numbers: Iterable[int]) -> bytes:
    """A column of numbers of an `array` code, to be kept."""
    return _little(array(code, numbers)).tobytes()


def to_column(code: str, kept: bytes) -> Column:
    """The column that was kept."""
    column = array(code)
    column.frombytes(kept)
    return _little(column)


def _little(column: Column) -> Column:
    if sys.byteorder == "big":
        column.byteswap()
    return column
