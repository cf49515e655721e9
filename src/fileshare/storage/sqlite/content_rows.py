"""Contents, who refers to them, and what nobody refers to any more."""

from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.errors import NotFound
from fileshare.services.ports import Content
from fileshare.storage.sqlite import tree

_SELECT: Final = (
    "SELECT c.digest, c.size, s.data FROM contents AS c LEFT JOIN small_contents AS s ON s.content_id = c.id"
)
_SELECT_REFERRED: Final = (
    f"{_SELECT} WHERE c.digest = ?1 AND EXISTS"  # noqa: S608 (constants)
    " (SELECT 1 FROM versions AS v WHERE v.content_id = c.id)"
)
_VERSIONS: Final = (
    "SELECT v.entry_id, v.number, e.version FROM contents AS c"
    " JOIN versions AS v ON v.content_id = c.id JOIN entries AS e ON e.id = v.entry_id WHERE c.digest = ?1"
)
_REFERRED: Final = "SELECT 1 FROM versions WHERE content_id = ?1 LIMIT 1"
_VERIFYING: Final = "SELECT 1 FROM uploads WHERE found_digest = ?1 AND state = 'verifying' LIMIT 1"
_FIND: Final = "SELECT id, small FROM contents WHERE digest = ?1"
_DELETE: Final = "DELETE FROM contents WHERE id = ?1"
NOTE_GARBAGE: Final = "INSERT INTO garbage (digest, seen) VALUES (?1, ?2) ON CONFLICT DO NOTHING"


def content(db: Connection, digest: str) -> Content:
    """The content of that digest, if any version refers to it. Raises NotFound."""
    row = db.execute(_SELECT_REFERRED, (bytes.fromhex(digest),)).fetchone()
    if row is None:
        raise NotFound("There is no such content.")
    return _to_content(row)


def readable_content(db: Connection, digest: str) -> Content:
    """The content of that digest, if a file outside the trash has it. Raises NotFound."""
    rows = db.execute(_VERSIONS, (bytes.fromhex(digest),))
    readable = any(tree.way_to(db, file_id)[0] == tree.ROOT for file_id, _, _ in rows)
    rows.close()
    if not readable:
        raise NotFound("There is no such content.")
    return content(db, digest)


def contents(db: Connection, after: str, limit: int) -> Sequence[Content]:
    """Contents in order of digest, after that one."""
    rows = db.execute(
        _SELECT + " WHERE c.digest > ?1 ORDER BY c.digest LIMIT ?2", (bytes.fromhex(after), limit)
    )
    return [_to_content(row) for row in rows]


def count(db: Connection) -> int:
    """How many contents there are."""
    (found,) = db.execute("SELECT count(*) FROM contents").fetchone()
    return int(found)


def paths_of(db: Connection, digest: str) -> Sequence[str]:
    """Where a content is: paths, with a version that is not the current one, and a note in the trash."""
    rows = db.execute(_VERSIONS, (bytes.fromhex(digest),)).fetchall()
    found: list[str] = []
    for file_id, number, current in rows:
        place = _place(db, file_id)
        if place is not None:
            path, note = place
            found.append(path + ("" if number == current else f"?version={number}") + note)
    return sorted(found)


def _place(db: Connection, file_id: int) -> tuple[str, str] | None:
    """The path of a file and, in the trash, a note that says so; None when it is being purged."""
    top, path = tree.way_to(db, file_id)
    if top == tree.ROOT:
        return path, ""
    row = db.execute("SELECT path FROM trash WHERE entry_id = ?1 AND doomed = 0", (top,)).fetchone()
    if row is None:
        return None
    before = str(row[0])
    _, slash, below = path.partition("/")
    return before + slash + below, " (in the trash)"


def give_up(db: Connection, content_ids: Iterable[int], now: int) -> int:
    """Versions with these contents went. What nobody refers to now goes too, or becomes garbage when it
    is a blob; returns its bytes.
    """
    freed = 0
    for content_id in content_ids:
        if _exists(db, _REFERRED, content_id):
            continue
        row = db.execute("SELECT digest, size, small FROM contents WHERE id = ?1", (content_id,)).fetchone()
        digest, size, small = row
        freed += size
        if small:
            db.execute(_DELETE, (content_id,))
        else:
            db.execute(NOTE_GARBAGE, (digest, now))
    return freed


def garbage(db: Connection, limit: int) -> Sequence[str]:
    """Digests that wait for the sweeper, the oldest first."""
    rows = db.execute("SELECT digest FROM garbage ORDER BY seen, digest LIMIT ?1", (limit,))
    return [digest.hex() for (digest,) in rows]


def note_garbage(db: Connection, digests: Sequence[str], now: int) -> None:
    """Remember blobs for the sweeper."""
    db.executemany(NOTE_GARBAGE, [(bytes.fromhex(digest), now) for digest in digests])


def forget_garbage(db: Connection, digests: Sequence[str]) -> None:
    """The sweeper is done with these."""
    db.executemany("DELETE FROM garbage WHERE digest = ?1", [(bytes.fromhex(digest),) for digest in digests])


def unknown_blobs(db: Connection, digests: Sequence[str]) -> Sequence[str]:
    """Those that neither a content on disk nor an upload that is being published names."""
    return [digest for digest in digests if not _is_known_blob(db, bytes.fromhex(digest))]


def _is_known_blob(db: Connection, digest: bytes) -> bool:
    row = db.execute(_FIND, (digest,)).fetchone()
    return (row is not None and not row[1]) or _exists(db, _VERIFYING, digest)


def release(db: Connection, digests: Sequence[str]) -> Sequence[str]:
    """Drop the rows that nothing refers to; returns those of the digests whose blobs may go."""
    return [digest for digest in digests if _release_one(db, bytes.fromhex(digest))]


def _release_one(db: Connection, digest: bytes) -> bool:
    """Whether the blob of that digest may go. Bytes in the database do not refer to a blob beside them."""
    content_id, small = db.execute(_FIND, (digest,)).fetchone() or (None, 0)
    referred = content_id is not None and _exists(db, _REFERRED, content_id)
    if referred and not small:
        db.execute("DELETE FROM garbage WHERE digest = ?1", (digest,))
        return False
    if _exists(db, _VERIFYING, digest):
        return False
    if not referred:
        db.execute(_DELETE, (content_id,))
    return True


def _exists(db: Connection, query: str, key: int | bytes) -> bool:
    return db.execute(query, (key,)).fetchone() is not None


def _to_content(row: Sequence[Any]) -> Content:
    digest, size, data = row
    return Content(digest.hex(), size, data)
