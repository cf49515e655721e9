"""Many rows by few statements, for the busiest code of the database.

Each step of SQLite lets other threads have the interpreter, and while the event loop is
at work, getting it back takes longer than writing the row did.
"""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any, Final, TypeVar

T = TypeVar("T")

TOGETHER: Final = 64
"""Rows of one statement; receipts have ten values each, and SQLite takes 32,766."""


def insert(db: Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of equal length, in order. `into` is all of the INSERT that stands before VALUES."""
    for piece in pieces(rows):
        insert_piece(db, into, piece)


def insert_piece(db: Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert them by one statement, so all or, with an error, none of them. At least one, of `pieces`."""
    one = f"({', '.join('?' * len(rows[0]))})"
    values = [value for row in rows for value in row]
    db.execute(f"{into} VALUES {', '.join([one] * len(rows))}", values)


def pieces(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """In order, by powers of two: a statement of each length is compiled once."""
    start, size = 0, TOGETHER
    while start < len(things):
        while size > len(things) - start:
            size //= 2
        yield things[start : start + size]
        start += size
