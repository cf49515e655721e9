"""Migrations: numbered, copied before, whole or not at all."""

import asyncio
import signal
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from fileshare.errors import Unavailable
from fileshare.storage.sqlite import migrating
from fileshare.storage.sqlite.database import Database

FIRST = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT) STRICT;\nINSERT INTO notes (text) VALUES ('a');\n"
)
REFERRING = "CREATE TABLE other (note INTEGER REFERENCES notes (id)) STRICT;\n"
SECOND = "ALTER TABLE notes ADD COLUMN second INTEGER;\nUPDATE notes SET second = 2; -- all; of them\n"
THIRD = "ALTER TABLE notes ADD COLUMN third INTEGER;\n"


def folder(tmp_path: Path, *scripts: str) -> Path:
    """A folder of migrations."""
    made = tmp_path / f"migrations-{len(scripts)}"
    made.mkdir(exist_ok=True)
    for number, script in enumerate(scripts, 1):
        (made / f"{number:04}_step.sql").write_text(script)
    return made


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def opened(path: Path, migrations: Path) -> None:
    database = Database(path, migrations)
    await database.open()
    await database.close()


def columns(path: Path) -> tuple[int, list[str]]:
    """The version of a database's format and the columns of its table."""
    db = sqlite3.connect(path)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    found = [row[1] for row in db.execute("PRAGMA table_info(notes)")]
    db.close()
    return version, found


def copies(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in tmp_path.glob("x.db.*"))


async def test_a_new_database_gets_all_of_them_and_no_copy(tmp_path: Path) -> None:
    await opened(tmp_path / "x.db", folder(tmp_path, FIRST, SECOND, THIRD))
    assert columns(tmp_path / "x.db") == (3, ["id", "text", "second", "third"])
    assert copies(tmp_path) == []


async def test_an_older_database_is_copied_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await opened(path, folder(tmp_path, FIRST))
    await opened(path, folder(tmp_path, FIRST, SECOND, THIRD))
    assert columns(path) == (3, ["id", "text", "second", "third"])
    assert copies(tmp_path) == ["x.db.before-0002"]
    assert columns(tmp_path / "x.db.before-0002") == (1, ["id", "text"])
    assert mode_of(tmp_path / "x.db.before-0002") == 0o600


async def test_opening_again_changes_and_copies_nothing(tmp_path: Path) -> None:
    path, migrations = tmp_path / "x.db", folder(tmp_path, FIRST, SECOND)
    await opened(path, migrations)
    before = path.read_bytes()
    await opened(path, migrations)
    assert path.read_bytes() == before
    assert copies(tmp_path) == []


async def test_the_copy_has_what_only_the_log_held(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await opened(path, folder(tmp_path, FIRST))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("INSERT INTO notes (text) VALUES ('in the log')")
    await opened(path, folder(tmp_path, FIRST, SECOND))
    other.close()
    copy = sqlite3.connect(tmp_path / "x.db.before-0002")
    assert copy.execute("SELECT text FROM notes").fetchall() == [("a",), ("in the log",)]
    copy.close()


async def test_a_migration_that_fails_leaves_the_old_format(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await opened(path, folder(tmp_path, FIRST))
    with pytest.raises(sqlite3.OperationalError):
        await opened(path, folder(tmp_path, FIRST, SECOND + "INSERT INTO nothing VALUES (1);\n"))
    assert columns(path) == (1, ["id", "text"])


async def test_rows_that_refer_to_nothing_are_refused(tmp_path: Path) -> None:
    broken = f"{REFERRING} INSERT INTO other VALUES (99);\n"
    path = tmp_path / "x.db"
    with pytest.raises(Unavailable, match="other"):
        await opened(path, folder(tmp_path, FIRST, broken))
    assert columns(path)[0] == 1


async def test_a_table_can_be_rebuilt_under_those_that_refer_to_it(tmp_path: Path) -> None:
    referring = f"{REFERRING} INSERT INTO other VALUES (1);\n"
    rebuild = (
        "CREATE TABLE new (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;\n"
        "INSERT INTO new SELECT id, text FROM notes;\nDROP TABLE notes;\nALTER TABLE new RENAME TO notes;\n"
    )
    await opened(tmp_path / "x.db", folder(tmp_path, FIRST, referring, rebuild))
    assert columns(tmp_path / "x.db")[0] == 3


async def test_a_newer_database_is_refused_with_one_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await opened(path, folder(tmp_path, FIRST, SECOND))
    with pytest.raises(Unavailable, match=r"newer fileshare \(format 2, this one knows 1\)") as refused:
        await opened(path, folder(tmp_path, FIRST))
    assert "\n" not in refused.value.message
    assert columns(path)[0] == 2


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(Unavailable, match="another program"):
        await opened(tmp_path / "x.db", folder(tmp_path, FIRST))
    assert columns(tmp_path / "x.db") == (0, [])


@pytest.mark.parametrize(
    "names", [["0002_step.sql"], ["0001_a.sql", "0003_b.sql"], ["first.sql"], ["0001 a.sql"]]
)
def test_numbers_without_order_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text(FIRST)
    with pytest.raises(ValueError, match="is not the migration number"):
        migrating.load(tmp_path)


def test_a_script_that_ends_within_a_statement_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    cut_off = migrating.Migration(1, "cut", "CREATE TABLE x (y);\nCREATE TABLE")
    with pytest.raises(ValueError, match="ends within a statement"):
        migrating.migrate(db, tmp_path, [cut_off])
    assert db.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    db.close()


def test_ours_are_in_order() -> None:
    found = migrating.load()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from fileshare.storage.sqlite import connection, database

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def connect(path, *, cache_kib):
    opened = connection.connect(path, cache_kib=cache_kib)
    opened.create_function("die", 0, die)
    return opened

database.connect = connect
asyncio.run(database.Database(Path(sys.argv[1]), Path(sys.argv[2])).open())
"""


async def test_a_kill_within_a_migration_leaves_the_old_format_and_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await opened(path, folder(tmp_path, FIRST))
    deadly = folder(tmp_path, FIRST, SECOND + "UPDATE notes SET second = die();\n")
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, path, deadly)
    assert await killed.wait() == -signal.SIGKILL
    assert columns(path) == (1, ["id", "text"])
    assert columns(tmp_path / "x.db.before-0002") == (1, ["id", "text"])
    await opened(path, folder(tmp_path, FIRST, SECOND))
    assert columns(path) == (2, ["id", "text", "second"])
    assert copies(tmp_path) == ["x.db.before-0002"]
