"""Brings a database to the format that this code knows, at start.

Each migration and its number are one transaction, so a kill at any moment leaves the
old format or the new one. A database with something in it is copied before it is
changed. One that newer code has written is refused, never guessed at.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fileshare.errors import Unavailable
from fileshare.storage.sqlite.connection import log
from fileshare.storage.sqlite.copying import copy_database

FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from the format before `number` to `number`."""

    number: int
    name: str
    script: str


def load(folder: Path = FOLDER) -> Sequence[Migration]:
    """The migrations of a folder, files named NNNN_name.sql, numbered from 1 without a gap."""
    found: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"{file.name} is not the migration number {len(found) + 1}")
        found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return found


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Run what the database at `path` has not seen. Raises Unavailable for one that is not ours to open.

    Foreign keys must be off: a migration may rebuild a table that others refer to.
    They are checked before each commit instead.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version > len(migrations):
        raise Unavailable(
            f"{path} was written by a newer fileshare (format {version}, this one knows {len(migrations)}): "
            "install that version or a later one."
        )
    if tables and not version:
        raise Unavailable(f"{path} is the database of another program: give fileshare a folder of its own.")
    pending = migrations[version:]
    if pending and version:
        kept = path.with_name(f"{path.name}.before-{pending[0].number:04}")
        copy_database(connection, kept)
        log.info("copied the database to %s before changing its format", kept.name)
    for migration in pending:
        _run(connection, migration)


def _run(connection: sqlite3.Connection, migration: Migration) -> None:
    """One migration and its number, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(migration.script):
            connection.execute(statement)
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise Unavailable(f"Rows in {tables} do not fit format {migration.number}; nothing was changed.")
        connection.execute(f"PRAGMA user_version = {migration.number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    log.info("brought the database to format %d (%s)", migration.number, migration.name)


def _statements(script: str) -> Iterator[str]:
    """The script's statements one by one: `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a migration ends within a statement: {statement.strip()[:60]}")
