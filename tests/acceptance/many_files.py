"""A database of very many files, written in seconds: rows without bytes, for lists and searches.

Names, sizes and times follow from the seed alone. A tenth of the files lies in one folder.
"""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from fileshare.storage.sqlite import migrating, tree

BIG = "one big folder"
"""The folder of a tenth of all files."""

PER_FOLDER = 1000
RARE = "needle"
"""In five names of every hundred thousand."""
LAST = "zz-late"
"""Begins a fiftieth of the names, which in order of name come last."""
EVERY = "r"
"""In nearly all names, some way or other."""

_WORDS = (
    "report", "photo", "invoice", "holiday", "budget", "minutes", "scan", "draft", "letter", "plan", "IMG",
    "summer", "winter", "berlin", "Paris", "Müller", "Straße", "data", "backup", "notes",
)  # fmt: skip
_ENDINGS = ("jpg", "txt", "pdf", "docx", "raw", "png", "tar.gz")
_EARLIEST, _YEARS = 1_600_000_000_000, 100_000_000_000


def write_many(path: Path, count: int, seed: str) -> None:
    """A new database with `count` files, of today's format, closed when it returns."""
    chance = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -500000")
        migrating.migrate(db, path, migrating.load())
        db.execute("BEGIN")
        folders = max(1, count * 9 // 10 // PER_FOLDER)
        db.executemany(
            "INSERT INTO entries (id, parent_id, name, folded, kind, modified, created)"
            " VALUES (?1, 1, ?2, ?3, 0, ?4, ?4)",
            [(2 + number, name, tree.folded(name), 5) for number, name in enumerate(_folders(folders))],
        )
        db.executemany(
            "INSERT INTO entries (id, parent_id, name, folded, kind, version, size, modified, created)"
            " VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?6, ?6)",
            _files(count, folders, chance),
        )
        digests = ((row[0], hashlib.sha256(b"%d" % row[0]).digest(), row[1]) for row in _sizes(db))
        db.executemany("INSERT INTO contents (id, digest, size, small) VALUES (?1, ?2, ?3, 0)", digests)
        db.execute(
            "INSERT INTO versions (entry_id, number, content_id, size, account_id, modified, created)"
            " SELECT id, 1, id, size, 0, modified, created FROM entries WHERE kind = 1"
        )
        db.execute("COMMIT")


def _sizes(db: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    return iter(db.execute("SELECT id, size FROM entries WHERE kind = 1").fetchall())


def _folders(count: int) -> Iterator[str]:
    yield BIG
    for number in range(count):
        yield f"Folder {number:06}"


def _files(
    count: int, folders: int, chance: random.Random
) -> Iterator[tuple[int, int, str, str | None, int, int]]:
    for number in range(count):
        folder = 2 if number < count // 10 else 3 + number % folders
        name = _name(number, chance)
        size, modified = chance.randrange(1 << 30), _EARLIEST + chance.randrange(_YEARS)
        yield 2 + folders + 1 + number, folder, name, tree.folded(name), size, modified


def _name(number: int, chance: random.Random) -> str:
    word, other, ending = chance.choice(_WORDS), chance.choice(_WORDS), chance.choice(_ENDINGS)
    if number % 20_000 == 17:
        return f"{word} {RARE} {number:07}.{ending}"
    if chance.randrange(50) == 0:
        return f"{LAST} {word} {number:07}.{ending}"
    return f"{word}_{other}_{number:07}.{ending}"
