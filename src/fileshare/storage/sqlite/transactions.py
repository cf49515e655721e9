"""Transactions, in the thread of their connection: all of a unit or nothing of it."""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fileshare.errors import FileshareError, StorageFailed
from fileshare.storage.sqlite.comeback import is_damage
from fileshare.storage.sqlite.connection import log, translated

T = TypeVar("T")
A = TypeVar("A")

SHARED_SECONDS = 0.02
"""After so long no further unit joins a transaction: those within wait for its commit."""

SLOW_SECONDS = 1.0
"""What is worth a line in the log."""


@dataclass(slots=True, eq=False)
class Job:
    """A unit that waits to be run, and then what became of it."""

    name: str
    unit: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Tell whoever waits; on the loop."""
        if self.future.done():  # the caller was cancelled
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


@dataclass(slots=True)
class Outcome:
    """What became of a transaction: the jobs that were in it, and whether writing must stop, and why."""

    jobs: list[Job] = field(default_factory=list)
    stop: bool = False
    damaged: bool = False


def write_transaction(waiting: "deque[Job]", connection: sqlite3.Connection) -> Outcome:
    """Run the units that wait in one transaction and commit it.

    A unit that raises is undone alone. An error that undoes the transaction, or a commit
    that fails, is the error of every unit in it: none of them is acknowledged.
    """
    outcome = Outcome()
    started = time.monotonic()
    try:
        while waiting and (not outcome.jobs or time.monotonic() - started < SHARED_SECONDS):
            job = waiting.popleft()
            outcome.jobs.append(job)
            _run_unit(connection, job)
        if connection.in_transaction:
            _timed("commit", connection.execute, "COMMIT")
    except sqlite3.Error as error:
        failure = _failure(error)
        _undo(connection)
        outcome.stop, outcome.damaged = isinstance(failure, StorageFailed), is_damage(error)
        for job in outcome.jobs:
            job.error = job.error or failure
    return outcome


def read_transaction(name: str, unit: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    """Run a unit that only looks, on one state of the database."""
    try:
        connection.execute("BEGIN")
        try:
            return _timed(name, unit, connection)
        finally:
            _undo(connection)
    except sqlite3.Error as error:
        failure = translated(error)
        log.error("%s failed: %s", name, error)
        raise failure or error from error


def _run_unit(connection: sqlite3.Connection, job: Job) -> None:
    """One unit: the first begins the transaction, those after it a savepoint.

    What it raises becomes its error; raises itself only what concerns the whole transaction.
    """
    first = not connection.in_transaction
    connection.execute("BEGIN IMMEDIATE" if first else "SAVEPOINT unit")
    try:
        job.result = _timed(job.name, job.unit, connection)
    except sqlite3.Error as error:
        log.error("%s failed: %s", job.name, error)
        if translated(error) is not None or not connection.in_transaction:
            raise
        job.error = error
    except FileshareError as error:
        job.error = error
    except Exception as error:
        log.error("%s failed: %s", job.name, type(error).__name__)
        job.error = error
    if job.error is not None:
        connection.execute("ROLLBACK" if first else "ROLLBACK TO unit")
    if not first:
        connection.execute("RELEASE unit")


def _undo(connection: sqlite3.Connection) -> None:
    """Roll back whatever is left; after an error SQLite may have done it already."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _failure(error: sqlite3.Error) -> FileshareError:
    """The error of all units of a transaction that could not be."""
    log.error("a transaction failed: %s", error)
    return translated(error) or StorageFailed()


def _timed(name: str, function: Callable[[A], T], argument: A) -> T:
    started = time.monotonic()
    try:
        return function(argument)
    finally:
        took = time.monotonic() - started
        if took > SLOW_SECONDS:
            log.warning("%s took %.1f s", name, took)
