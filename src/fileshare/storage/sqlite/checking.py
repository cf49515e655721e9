"""What the database finds wrong with itself; changes nothing."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

_RULES: Final = {
    "files have no current version": (
        "SELECT count(*) FROM entries AS e WHERE e.kind = 1 AND NOT EXISTS"
        " (SELECT 1 FROM versions AS v WHERE v.entry_id = e.id AND v.number = e.version)"
    ),
    "files have a version that is newer than their current one": (
        "SELECT count(*) FROM versions AS v JOIN entries AS e ON e.id = v.entry_id WHERE v.number > e.version"
    ),
    "files are listed with another size than their current version has": (
        "SELECT count(*) FROM entries AS e JOIN versions AS v ON v.entry_id = e.id AND v.number = e.version"
        " WHERE v.size != e.size"
    ),
    "versions have no content, or one of another size": (
        "SELECT count(*) FROM versions AS v LEFT JOIN contents AS c ON c.id = v.content_id"
        " WHERE c.size IS NOT v.size"
    ),
    "small contents have no bytes, or not as many as they should": (
        "SELECT count(*) FROM contents AS c LEFT JOIN small_contents AS s ON s.content_id = c.id"
        " WHERE c.small = 1 AND length(s.data) IS NOT c.size"
    ),
    "sums of files do not fit the files": (
        "SELECT count(*) FROM sums WHERE files IS NOT (SELECT count(*) FROM entries WHERE kind = 1)"
        " OR current IS NOT (SELECT coalesce(sum(size), 0) FROM entries WHERE kind = 1)"
    ),
    "accounts are told another usage than their versions have": (
        "SELECT count(*) FROM made WHERE bytes IS NOT"
        " (SELECT coalesce(sum(size), 0) FROM versions WHERE versions.account_id = made.account_id)"
    ),
    "entries lie neither in a folder nor in the trash": (
        "SELECT count(*) FROM entries AS e WHERE e.parent_id IS NULL AND e.id != 1"
        " AND NOT EXISTS (SELECT 1 FROM trash AS t WHERE t.entry_id = e.id)"
    ),
    "entries lie in something that is no folder": (
        "SELECT count(*) FROM entries AS e JOIN entries AS p ON p.id = e.parent_id WHERE p.kind != 0"
    ),
}
"""What must never be, each with how often it is."""


def inconsistencies(db: Connection) -> Sequence[str]:
    """One sentence for each thing that is wrong; nothing when it is whole. Reads all of the file."""
    found = [f"The database's file is damaged: {row[0]}." for row in db.execute("PRAGMA integrity_check")]
    if found == ["The database's file is damaged: ok."]:
        found = []
    broken = {str(row[0]) for row in db.execute("PRAGMA foreign_key_check")}
    found += [f"Rows of the table {table} refer to nothing." for table in sorted(broken)]
    for sentence, query in _RULES.items():
        (count,) = db.execute(query).fetchone()
        if count:
            found.append(f"{count} {sentence}.")
    return found
