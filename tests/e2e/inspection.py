"""Looks at a data folder from the outside: is every row's blob there, and nothing else?

Opens the database read-only and only reads; knows the schema's tables and none of
the project's code. What it finds wrong comes as sentences, sorted by how bad it is.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Findings:
    """What an inspection found."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged bytes that are not there or not right. Never acceptable, not for a moment."""
    orphans: list[str] = field(default_factory=list)
    """Parts, rows and blobs that nothing refers to. Acceptable until the sweeper has come by."""
    half_done: list[str] = field(default_factory=list)
    """Uploads that wait for their rest; legitimate, unless all of them were finished."""

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing left over, nothing half done."""
        return not (self.lost or self.orphans or self.half_done)

    def __str__(self) -> str:
        return "; ".join([*self.lost, *self.orphans, *self.half_done]) or "clean"


def inspect(data_dir: Path, *, rehash: bool = False) -> Findings:
    """Compare the rows with the files. `rehash` reads every blob as well."""
    found = Findings()
    with closing(_open(data_dir)) as database:
        database.execute("BEGIN")
        blobs = {path.name: path for path in data_dir.glob("blobs/*/*")}
        parts = {path.stem: path for path in data_dir.glob("uploads/*")}
        found.lost += _broken_database(database)
        found.lost += _missing_blobs(database, blobs, rehash)
        found.orphans += _orphan_blobs(database, blobs)
        found.orphans += _orphan_rows(database)
        _uploads(database, parts, found)
    return found


def half_done(data_dir: Path) -> list[tuple[str, int, int]]:
    """Every upload's path, offset in its row, and the length of its part on disk."""
    with closing(_open(data_dir)) as database:
        rows = database.execute('SELECT id, path, "offset" FROM uploads ORDER BY created').fetchall()
    return [(path, offset, _length(data_dir / "uploads" / f"{name}.part")) for name, path, offset in rows]


def stored(data_dir: Path) -> dict[str, str]:
    """The digest of every file outside the trash, by its path."""
    tree = """
        WITH RECURSIVE tree (id, path, version) AS (
            SELECT id, '', version FROM entries WHERE id = 1
            UNION ALL
            SELECT e.id, CASE t.path WHEN '' THEN '' ELSE t.path || '/' END || e.name, e.version
            FROM entries e JOIN tree t ON e.parent_id = t.id)
        SELECT path, hex(digest) FROM tree JOIN versions v ON v.entry_id = tree.id AND v.number = tree.version
        JOIN contents c ON c.id = v.content_id"""
    with closing(_open(data_dir)) as database:
        return {path: digest.lower() for path, digest in database.execute(tree)}


def _open(data_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{data_dir / 'fileshare.db'}?mode=ro", uri=True, timeout=30)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _broken_database(database: sqlite3.Connection) -> Iterator[str]:
    for (line,) in database.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"database: {line}"
    for row in database.execute("PRAGMA foreign_key_check"):
        yield f"database: a row of {row[0]} refers to nothing in {row[2]}"
    bare = """
        SELECT count(*) FROM entries e WHERE kind = 1
        AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.entry_id = e.id AND v.number = e.version)"""
    if count := database.execute(bare).fetchone()[0]:
        yield f"database: {count} files have no current version"


def _missing_blobs(database: sqlite3.Connection, blobs: dict[str, Path], rehash: bool) -> Iterator[str]:
    rows = """
        SELECT lower(hex(digest)), size, small, data
        FROM contents LEFT JOIN small_contents ON content_id = id"""
    for digest, size, small, data in database.execute(rows):
        blob = blobs.get(digest)
        if small:
            if data is None or len(data) != size or hashlib.sha256(data).hexdigest() != digest:
                yield f"content {digest} in the database is damaged"
        elif blob is None or not blob.exists():
            yield f"content {digest} has no blob"
        elif blob.stat().st_size != size:
            yield f"blob {digest} has {blob.stat().st_size} bytes instead of {size}"
        elif rehash and digest_of(blob) != digest:
            yield f"blob {digest} is damaged"


def _orphan_blobs(database: sqlite3.Connection, blobs: dict[str, Path]) -> Iterator[str]:
    known = {
        digest for (digest,) in database.execute("SELECT lower(hex(digest)) FROM contents WHERE small = 0")
    }
    verifying = {
        digest
        for (digest,) in database.execute(
            "SELECT lower(hex(found_digest)) FROM uploads WHERE state = 'verifying'"
        )
    }
    for digest in sorted(set(blobs) - known - verifying):
        yield f"blob {digest} belongs to no content"


def _orphan_rows(database: sqlite3.Connection) -> Iterator[str]:
    loose = """
        SELECT count(*) FROM small_contents
        WHERE content_id NOT IN (SELECT id FROM contents WHERE small = 1)"""
    if count := database.execute(loose).fetchone()[0]:
        yield f"{count} small contents belong to no digest"
    unused = """
        SELECT lower(hex(digest)) FROM contents c
        WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.content_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.state = 'verifying' AND u.found_digest = c.digest)"""
    for (digest,) in database.execute(unused):
        yield f"content {digest} belongs to no version"
    adrift = """
        SELECT e.id, e.name FROM entries e WHERE e.parent_id IS NULL AND e.id <> 1
        AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.entry_id = e.id)"""
    for number, name in database.execute(adrift):
        yield f"entry {number} ({name}) hangs in no folder and not in the trash"


def _uploads(database: sqlite3.Connection, parts: dict[str, Path], found: Findings) -> None:
    known: set[str] = set()
    for name, path, state, offset in database.execute('SELECT id, path, state, "offset" FROM uploads'):
        known.add(name)
        length = _length(parts[name]) if name in parts else 0
        found.half_done.append(f"upload {name} of {path} stands at {offset}")
        if state == "receiving" and length < offset:
            found.lost.append(f"upload {name} of {path} has {length} bytes, and its row says {offset}")
    for name in sorted(set(parts) - known):
        found.orphans.append(f"part {name} belongs to no upload")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def space_used(data_dir: Path) -> int:
    """Bytes of disk that blobs and parts take."""
    return sum(
        path.stat().st_blocks * 512
        for folder in ("blobs", "uploads")
        for path in (data_dir / folder).rglob("*")
    )
